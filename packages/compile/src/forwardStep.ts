import type { Step } from '@beit/tensors';
import { callProgram } from './record/callSite';

/**
 * A function of parameters and inputs, such as a model's forward pass, as a step: its state are the parameters, which it
 * leaves as they are.
 */
export const forwardStep =
  <P, I, O>(fn: (params: P, inputs: I) => O): Step<P, I, O> =>
  (params, inputs) => ({ state: params, outputs: callProgram(fn, params, inputs) });
