import type { EngineName, Precision } from '@beit/compile';

/** What runs a run's programs, and how: the options of every `compile`. */
export interface EngineOptions {
  /** `auto`: the fastest that is installed and has the precision. */
  readonly engine: EngineName | 'auto';
  readonly precision: Precision;
  /** Where onnxruntime computes; its own default is the CPU. */
  readonly device?: 'cpu' | 'cuda' | 'webgpu';
}
