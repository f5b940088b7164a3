import type { EngineName, Precision } from './types';

export interface OpenvinoOptions {
  /** The folder of OpenVINO's C library. Default: searched for, see `findOpenvino`. */
  readonly openvino?: string;
  /** Threads inside an op. Default: OpenVINO's, the number of physical cores. */
  readonly numThreads?: number;
  /** Where compiled programs are kept for the next run; `false`: nowhere. Default: `programs` in the user's cache. */
  readonly programCache?: string | false;
  /** Writes where the time went to a JSON file with this prefix, when the program is disposed. */
  readonly profile?: string;
}

export interface OnnxruntimeOptions {
  /** What runs the program. Default: the CPU. */
  readonly device?: Device;
  /** Threads inside an op. Default: onnxruntime's, the number of physical cores. */
  readonly numThreads?: number;
  /** Writes a profile in Chrome's trace format to files with this prefix, when the program is disposed. */
  readonly profile?: string;
}
export type Device = 'cpu' | 'cuda' | 'webgpu';

export interface XlaOptions {
  /** The PJRT plugin: a library, or a folder with one. Default: searched for, see `findPjrt`. */
  readonly plugin?: string;
}

export interface TfjsOptions {
  /**
   * The TensorFlow.js backend: `cpu`, `wasm`, `webgl`, `webgpu`, `tensorflow`. Default: the one in use, or the one that
   * TensorFlow.js takes for the best.
   */
  readonly backend?: string;
}

export interface CompileOptions extends OpenvinoOptions, OnnxruntimeOptions, XlaOptions, TfjsOptions {
  /** `auto` (the default) takes the fastest engine that is installed; `Program.engine` says which. */
  readonly engine?: EngineName | 'auto';
  /**
   * `fp32` (the default), or `bf16`: the operands of matrix products and convolutions in bfloat16, all else in float32.
   * Only `openvino` computes in bf16.
   */
  readonly precision?: Precision;
}
