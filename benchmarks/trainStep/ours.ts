/** The pre-training step in one of our engines; see `oursSteps`. */
import { pretrainStep } from '@beit/mim';
import { trainState } from '@beit/optim';
import { type OurSteps, oursSteps } from '../shared/oursSteps';
import { createTask, type Task } from './task';

await oursSteps((task: Task) => {
  const { mim, optimizer, params, batch, scalars } = createTask(task);
  return {
    step: pretrainStep(mim, optimizer) as unknown as OurSteps['step'],
    state: trainState(params, optimizer),
    inputs: (step) => ({ batch, scalars: scalars(step) }),
  };
});
