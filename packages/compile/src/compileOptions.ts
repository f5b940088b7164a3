import type { OnnxruntimeOptions } from './engines/onnxruntime/onnxruntimePrograms';
import type { OpenvinoOptions } from './engines/openvino/openvinoPrograms';
import type { TfjsOptions } from './engines/tfjs/tfjsPrograms';
import type { EngineName, Precision } from './types';

export interface CompileOptions extends OpenvinoOptions, OnnxruntimeOptions, TfjsOptions {
  /** `auto` (the default) takes the fastest engine that is installed; `Program.engine` says which. */
  readonly engine?: EngineName | 'auto';
  /**
   * `fp32` (the default), or `bf16`: the operands of matrix products and convolutions in bfloat16, all else in float32.
   * Only `openvino` computes in bf16.
   */
  readonly precision?: Precision;
}
