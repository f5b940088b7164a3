/** A training step of the dVAE, or tokenizing, in one of our engines; see `oursSteps`. */
import { forwardStep } from '@beit/compile';
import { dvaeTrainStep, tokenizeImages } from '@beit/dvae';
import { trainState } from '@beit/optim';
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
  return {
    step: forwardStep(tokenizeImages(dvae)) as unknown as OurSteps['step'],
    state: params,
    inputs: () => ({ images }),
  };
});
