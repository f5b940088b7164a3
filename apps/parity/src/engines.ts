import type { CompileOptions, EngineName, Precision } from '@beit/compile';

/** Those that have matrix products and convolutions in bfloat16, each under the name of its rows. */
export const BFLOAT16_ENGINES = {
  'openvino-bf16': 'openvino',
  'xla-bf16': 'xla',
} as const satisfies Readonly<Record<string, EngineName>>;
export type Bfloat16Engine = keyof typeof BFLOAT16_ENGINES;
/** An engine in float32, or one with products in bfloat16. */
export type Engine = EngineName | Bfloat16Engine;

const isBfloat16 = (engine: string): engine is Bfloat16Engine => Object.hasOwn(BFLOAT16_ENGINES, engine);

export const precisionOf = (engine: string): Precision => (isBfloat16(engine) ? 'bf16' : 'fp32');

export function optionsOf(engine: Engine): CompileOptions {
  if (isBfloat16(engine)) return { engine: BFLOAT16_ENGINES[engine], precision: 'bf16' };
  return engine === 'tfjs' ? { engine, backend: 'cpu' } : { engine };
}
