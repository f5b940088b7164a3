import { type EngineName, hasNativeBfloat16, type Precision } from '@beit/compile';

export const ENGINES = ['auto', 'openvino', 'onnxruntime', 'tensorflow', 'tensorflow-gpu', 'tfjs'] as const;
export const PRECISIONS = ['fp32', 'bf16'] as const;
export const DEVICES = ['cpu', 'cuda', 'webgpu'] as const;

/** What runs a run's programs, and how: the options of every `compile`. */
export interface EngineOptions {
  /** `auto`: the fastest that is installed and has the precision. */
  readonly engine: EngineName | 'auto';
  readonly precision: Precision;
  /** Where onnxruntime computes; its own default is the CPU. */
  readonly device?: (typeof DEVICES)[number];
  /** Threads inside an op; the engine's own default is the number of physical cores. */
  readonly numThreads?: number;
}

/** For people. */
export async function describeEngine({ engine, precision, device }: EngineOptions): Promise<string> {
  const without = precision === 'bf16' && !(await hasNativeBfloat16());
  return [
    ...[engine, precision, device].filter(Boolean),
    ...(without ? ['which this processor does not have: OpenVINO computes in fp32'] : []),
  ].join(', ');
}
