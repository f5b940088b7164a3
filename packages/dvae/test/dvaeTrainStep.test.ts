import { adamW, toTensors, trainState } from '@beit/optim';
import { createRandom } from '@beit/random';
import { scalar } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { createDvae } from '../src/createDvae';
import type { DvaeBatch } from '../src/dvaeLoss';
import { dvaeBatchSpecs, dvaeTrainStep } from '../src/dvaeTrainStep';
import { uniformNoise } from '../src/uniformNoise';

beforeAll(() => tf.setBackend('cpu'));

const dvae = createDvae({ vocabSize: 16, hiddenDim: 4, decoderInitDim: 4, numGroups: 2, blocksPerGroup: 1 });
const optimizer = adamW({ weightDecay: 0, clipNorm: 4 });
const specs = dvaeBatchSpecs(dvae, { batchSize: 2, imageSize: [4, 6] });

const batch = (step: number, usageWeight: number): DvaeBatch => ({
  // One picture blue, one red.
  images: tf.tidy(() => tf.tile(tf.tensor([0.1, 0.1, 0.9, 0.9, 0.1, 0.1], [2, 1, 1, 3]), [1, 4, 6, 1])),
  ...toTensors({
    uniform: uniformNoise(specs.uniform.shape, 1, step),
    temperature: scalar(0.8),
    klWeight: scalar(1),
    usageWeight: scalar(usageWeight),
  }),
});

/** Outputs of the first and the last of `steps`. */
function trained(steps: number, usageWeight: number) {
  const step = dvaeTrainStep(dvae, optimizer);
  let state = toTensors(trainState(dvae.init(createRandom(1)), optimizer));
  const history: Record<string, number>[] = [];
  let tensors = 0;
  for (let i = 0; i < steps; i++) {
    const inputs = { batch: batch(i, usageWeight), scalars: toTensors(optimizer.scalars(i, 1e-2)) };
    const { state: next, outputs } = step(state, inputs);
    history.push(
      Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, value.dataSync()[0]!])),
    );
    tf.dispose([state, inputs, outputs] as unknown as tf.TensorContainer);
    state = next;
    if (i === 0) tensors = tf.memory().numTensors;
  }
  expect(tf.memory().numTensors).toBe(tensors);
  tf.dispose(state as unknown as tf.TensorContainer);
  return { first: history[0]!, last: history.at(-1)! };
}

test('the specs are those of a batch', () => {
  const made = batch(0, 0);
  const shapes = Object.entries(made).map(([name, { dtype, shape }]) => [name, { dtype, shape }]);
  expect(Object.fromEntries(shapes)).toEqual(specs);
});

test('learns, reports scalars, leaves no tensor behind; the usage term spreads the tokens', () => {
  const plain = trained(20, 0);
  expect(Object.keys(plain.last).sort()).toEqual(
    ['gradNorm', 'kl', 'loss', 'nll', 'perplexity', 'usageEntropy', 'usedTokens'].sort(),
  );
  expect(plain.last.nll!).toBeLessThan(plain.first.nll! - 0.2);
  const rewarded = trained(20, 0.5);
  expect(rewarded.last.usageEntropy!).toBeGreaterThan(plain.last.usageEntropy!);
  expect(rewarded.last.perplexity!).toBeGreaterThan(plain.last.perplexity!);
});
