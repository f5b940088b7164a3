import { optimize } from './passes/optimize';
import { type Bfloat16Options, toBfloat16 } from './passes/precision';
import type { Trace } from './record/trace';
import type { Precision } from './types';

/** A traced step with less work, in a precision. */
export function optimizedTrace(traced: Trace, precision: Precision, options?: Bfloat16Options): Trace {
  const graph = optimize(traced.graph);
  return { ...traced, graph: precision === 'bf16' ? optimize(toBfloat16(graph, options)) : graph };
}
