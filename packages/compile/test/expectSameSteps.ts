import type { HostTensor, Step, Tree, TreeOf } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import { compiledEngines } from './compiledEngines';
import { foundOn, runsOn } from './runsOn';
import { namedDifference, type Tolerance, within } from './tensorDifference';

type Tensors = Tree<tf.Tensor>;

/**
 * Steps over a state put out on every engine what TensorFlow.js's `cpu` backend does, and leave the state that it does.
 *
 * @param tolerance of floats
 */
export async function expectSameSteps<S extends Tensors, I extends Tensors, O extends Tensors>(
  step: Step<S, I, O>,
  state: TreeOf<S, HostTensor>,
  inputs: TreeOf<I, HostTensor>,
  { steps = 2, tolerance = { ofLargest: 1e-5 } as Tolerance } = {},
): Promise<void> {
  const runs = { step, state, inputs: Array.from({ length: steps }, () => inputs) };
  const expected = await runsOn('tfjs', runs);
  const found = await foundOn(await compiledEngines(), async (engine) =>
    namedDifference(await runsOn(engine, runs), expected, (tensor) => within(tolerance, tensor)),
  );
  expect(found).toEqual({});
}
