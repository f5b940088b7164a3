/** A training step of the dVAE, or tokenizing, in one of our engines; see `oursSteps`. */
import { dvaeTrainStep } from '@beit/dvae';
import { trainState } from '@beit/optim';
import type * as tf from '@tensorflow/tfjs';
import { type OurSteps, oursSteps } from '../shared/oursSteps';
import { createTask, type Task } from './task';

await oursSteps((task: Task): OurSteps => {
  const { dvae, optimizer, params, images, batch, scalars } = createTask(task);
  if (task.work === 'train') {
    return {
      step: dvaeTrainStep(dvae, optimizer) as unknown as OurSteps['step'],
      state: trainState(params, optimizer),
      inputs: (step) => ({ batch, scalars: scalars(step) }),
    };
  }
  const tokenize = (state: Record<string, tf.Tensor>, inputs: { images: tf.Tensor }) => ({
    state,
    outputs: { tokens: dvae.tokenize(state, inputs.images) },
  });
  return {
    step: tokenize as unknown as OurSteps['step'],
    state: params,
    inputs: () => ({ images }),
  };
});
