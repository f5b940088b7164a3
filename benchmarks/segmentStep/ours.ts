/** A training step of a segmenter, or the logits of windows, in one of our engines; see `oursSteps`. */
import { forwardStep } from '@beit/compile';
import { trainState, trainStep } from '@beit/optim';
import type * as tf from '@tensorflow/tfjs';
import { type OurSteps, oursSteps } from '../shared/oursSteps';
import { createTask, type Task } from './task';

await oursSteps((task: Task): OurSteps => {
  const { segmenter, optimizer, params, batch, scalars } = createTask(task);
  if (task.work === 'train') {
    const loss = (
      params: Record<string, tf.Tensor>,
      { images, labels }: Record<'images' | 'labels', tf.Tensor>,
    ) => segmenter.loss(params, images, labels);
    return {
      step: trainStep(loss, optimizer) as unknown as OurSteps['step'],
      state: trainState(params, optimizer),
      inputs: (step) => ({ batch, scalars: scalars(step) }),
    };
  }
  const windows = (params: Record<string, tf.Tensor>, { images }: { images: tf.Tensor }) => ({
    logits: segmenter.logits(params, images),
  });
  return {
    step: forwardStep(windows) as unknown as OurSteps['step'],
    state: params,
    inputs: () => ({ images: batch.images }),
    // 40 million numbers for each window: a sum tells whether they are the same.
    summarize: ({ logits }) => ({ logitsSum: [sumOfAbsolutes(logits!.data)] }),
  };
});

function sumOfAbsolutes(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  return sum;
}
