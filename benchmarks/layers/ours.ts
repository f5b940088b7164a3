/** A model's training step compiled by one of our engines, or as `model.fit` does it on one of TensorFlow.js's. */
import { compileForward, useTensorflow } from '@beit/compile';
import { functional } from '@beit/layers';
import { adamW, trainState, trainStep } from '@beit/optim';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import type { OursArguments } from '../shared/measureSteps';
import { type OurSteps, oursSteps, printSteps } from '../shared/oursSteps';
import { ADAM, batchOf, createBatches, createModel, learningRate, type Task } from './task';

const task = JSON.parse(process.argv[2]!) as Task & OursArguments & { readonly fit?: 'wasm' | 'tensorflow' };
tf.enableProdMode();
await tf.setBackend('cpu');
if (task.fit) await printSteps(task, () => fitProgram(task.fit!));
else await oursSteps(compiledSteps);

function compiledSteps(task: Task): OurSteps {
  const { params, trainable, loss } = functional(createModel(task));
  const optimizer = adamW({ ...ADAM, trainable });
  const step = trainStep(loss, optimizer);
  const batches = createBatches(task).map(({ images, targets }) => ({ x: images, y: targets, noise: {} }));
  // The gradients' norm is of no use here: no peer computes it.
  const lossOnly: typeof step = (state, inputs) => {
    const { state: next, outputs } = step(state, inputs);
    return { state: next, outputs: { loss: outputs.loss } as typeof outputs };
  };
  return {
    step: lossOnly as unknown as OurSteps['step'],
    state: trainState(params, optimizer),
    inputs: (i) => ({ batch: batchOf(batches, i), scalars: optimizer.scalars(i, learningRate) }),
  };
}

/** What `model.fit` does with each batch. */
async function fitProgram(backend: 'wasm' | 'tensorflow') {
  if (backend === 'tensorflow') await useTensorflow('tensorflow');
  else {
    // The first program makes the backend fit for training: by itself it has no gradient of a convolution.
    await (
      await compileForward(() => ({}), { params: {}, inputs: {} }, { engine: 'tfjs', backend })
    ).dispose();
    await tf.setBackend(backend);
  }
  const model = createModel(task);
  const batches = createBatches(task);
  return {
    inputs: (i: number) => batchOf(batches, i),
    async run({ images, targets }: (typeof batches)[number]) {
      const x = tf.tensor(images.data, [...images.shape]);
      const y = tf.tensor(targets.data, [...targets.shape]);
      const loss = (await model.trainOnBatch(x, y)) as number;
      tf.dispose([x, y]);
      return loss;
    },
    summarize: (loss: number) => ({ loss: [loss] }),
  };
}
