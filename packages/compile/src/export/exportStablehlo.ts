import type { Step, TensorSpec, TreeOf } from '@beit/tensors';
import { toStablehlo } from '../engines/xla/stablehlo/toStablehlo';
import { optimizedTrace } from '../optimizedTrace';
import { withElements } from '../passes/emptyTensors';
import { trace } from '../record/trace';
import type { GivenTensor, Precision } from '../types';

/**
 * A step as StableHLO, as engine `xla` has it on GPUs: arguments are state and inputs, results the changed state, written over
 * the old one, and the outputs.
 *
 * @param step as `compile` takes it
 * @returns MLIR, as text
 * @throws what `compile` throws for a step that can't be traced
 */
export function exportStablehlo<S, I, O>(
  step: Step<S, I, O>,
  tensors: {
    readonly state: TreeOf<S, TensorSpec | GivenTensor>;
    readonly inputs: TreeOf<I, TensorSpec | GivenTensor>;
  },
  { precision = 'fp32' }: { readonly precision?: Precision } = {},
): string {
  const traced = optimizedTrace(trace(step, tensors.state, tensors.inputs), precision);
  return toStablehlo(withElements(traced).graph, { precision }).text;
}
