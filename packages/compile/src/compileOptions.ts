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
/** `webgpu` is onnxruntime's alone; it and XLA have `cpu` and `cuda`; the rest is XLA's. */
export type Device = 'cpu' | 'cuda' | 'webgpu' | 'rocm' | 'oneapi' | 'tpu';

export interface XlaOptions {
  /** XLA's plugin: a library, or a folder with one. Default: searched for, see `findPjrt`. */
  readonly plugin?: string;
  /** What runs the program: `cpu`, `cuda`, `rocm`, `oneapi` or `tpu`. Default: the best that is there. */
  readonly device?: Device;
  /** Which of the devices, by number, or all. Over several, batches are split. Default: the first. */
  readonly devices?: readonly number[] | 'all';
  /** Groups of the state of which each of several devices keeps a part only, where the state has them. Default: none. */
  readonly shardedState?: readonly string[];
  /** How much of a GPU's memory XLA takes, of 1. Default: what XLA_CLIENT_MEM_FRACTION says, else XLA's 0.75. */
  readonly memoryFraction?: number;
  /** Whether it takes that at once. Default: what XLA_PYTHON_CLIENT_PREALLOCATE says, else yes. */
  readonly preallocate?: boolean;
  /** Threads of all its CPUs. Default: the number of processors. */
  readonly numThreads?: number;
  /** Where compiled programs are kept for the next run; `false`: nowhere. Default: `programs-xla` in the user's cache. */
  readonly programCache?: string | false;
  /** Writes what XLA makes of the program, as text, into the folder `PREFIX.hlo`. */
  readonly profile?: string;
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
   * `fp32` (the default); `tf32`: float32, of which the products of NVIDIA's GPUs read 10 bits of the mantissa; or `bf16`:
   * the operands of matrix products and convolutions in bfloat16, all else in float32. `openvino` and `xla` have bf16, `xla`
   * on `cuda` has tf32.
   */
  readonly precision?: Precision;
}
