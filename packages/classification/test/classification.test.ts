import { compile } from '@beit/compile';
import { adamW, trainState } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { createVit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import {
  classificationMetrics,
  createClassifier,
  drawMix,
  finetuneStep,
  mixImages,
  softTargets,
} from '../src';

tf.enableProdMode();
tf.setBackend('cpu');

const backbone = createVit({ imageSize: 16, patchSize: 4, embedDim: 16, depth: 2, numHeads: 2 });
const toTensors = (params: NamedTensors) =>
  Object.fromEntries(
    Object.entries(params).map(([name, t]) => [name, tf.tensor(t.data, [...t.shape], t.dtype as 'float32')]),
  );
const tensor = ({ data, shape }: HostTensor) => tf.tensor(data as Float32Array, [...shape]);
const host = (data: number[], ...shape: number[]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
});
const images = tf.randomNormal([4, 16, 16, 3], 0, 1, 'float32', 3);

describe('the classifier', () => {
  test.each(['mean', 'cls'] as const)('with %s pooling begins undecided', (pooling) => {
    const classifier = createClassifier({ backbone, numClasses: 5, pooling });
    const params = toTensors(classifier.init(createRandom(1)));
    const { loss } = classifier.loss(params, images, tensor(softTargets([0, 1, 2, 3], { numClasses: 5 })));
    expect(loss.dataSync()[0]).toBeCloseTo(Math.log(5), 2);
    expect(`${pooling === 'mean' ? 'fc_norm' : 'norm'}.weight` in params).toBe(true);
  });

  test('sees every patch with mean pooling', () => {
    const classifier = createClassifier({ backbone, numClasses: 3, headInitScale: 1 });
    const params = toTensors(classifier.init(createRandom(2)));
    const changed = tf.buffer([4, 16, 16, 3]);
    changed.set(3, 0, 15, 15, 2);
    const [before, after] = [images, tf.add(images, changed.toTensor())].map((x) =>
      classifier.logits(params, x).dataSync(),
    );
    expect(before!.slice(0, 3)).not.toEqual(after!.slice(0, 3));
    expect(before!.slice(3)).toEqual(after!.slice(3));
  });

  test('learns a few images by heart, compiled and mixed', async () => {
    const classifier = createClassifier({ backbone, numClasses: 4 });
    const optimizer = adamW({ weightDecay: 0 });
    const inputs = (step: number) => ({
      batch: {
        images: { dtype: 'float32', shape: images.shape, data: images.dataSync() } as HostTensor,
        targets: softTargets([0, 1, 2, 3], { numClasses: 4 }),
        mixWeights: drawMix(createRandom(step), 16, { mixupAlpha: 0, cutmixAlpha: 0 }).weights,
      },
      scalars: optimizer.scalars(step, 3e-3),
    });
    const state = trainState(classifier.init(createRandom(3)), optimizer);
    const program = await compile(
      finetuneStep(classifier, optimizer),
      { state, inputs: inputs(0) },
      { engine: 'onnxruntime' },
    );
    let last: Record<string, HostTensor> = {};
    for (let step = 0; step < 60; step++) last = await program.run(inputs(step));
    await program.dispose();
    expect(last.accuracy!.data[0]).toBe(1);
    expect(last.loss!.data[0]).toBeLessThan(0.2);
  });

  test('of one class is refused', () => {
    expect(() => createClassifier({ backbone, numClasses: 1 })).toThrow('numClasses is 1');
  });
});

describe('targets', () => {
  test('are probabilities, smoothed as timm does it', () => {
    const { data } = softTargets([2, 0], { numClasses: 4, labelSmoothing: 0.1 });
    expect([...data.slice(0, 4)].map((x) => Number(x.toFixed(6)))).toEqual([0.025, 0.025, 0.925, 0.025]);
  });
  test('sum to 1 however images are mixed', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 9 }), (seed, labels) => {
        const mix = drawMix(createRandom(seed), 8, { mixupAlpha: 0.8, cutmixAlpha: 1 });
        const { data } = softTargets(labels, { numClasses: 7, labelSmoothing: 0.1, mix });
        for (let i = 0; i < labels.length; i++) {
          const row = Array.from(data.subarray(7 * i, 7 * i + 7));
          expect(row.reduce((sum, x) => sum + x)).toBeCloseTo(1, 5);
        }
      }),
      { seed: 1, numRuns: 100 },
    );
  });
  test('of a label that is no class are refused', () => {
    expect(() => softTargets([4], { numClasses: 4 })).toThrow('Label 0 is 4; expected a class from 0 to 3.');
  });
  test('with a share that is none are refused', () => {
    const mix = drawMix(createRandom(0), 8, { mixupAlpha: 0.8, cutmixAlpha: 0 });
    for (const share of [-0.1, 1.5, Number.NaN])
      expect(() => softTargets([0, 1], { numClasses: 2, mix: { ...mix, share } })).toThrow(
        `mix.share is ${share}; expected a number in [0, 1].`,
      );
  });
});

describe('mixing', () => {
  test('mixup adds shares, cutmix takes a rectangle; labels get the same shares', () => {
    const counts = { none: 0, mixup: 0, cutmix: 0 };
    for (let seed = 0; seed < 400; seed++) {
      const mix = drawMix(createRandom('mix', seed), 12, { mixupAlpha: 0.8, cutmixAlpha: 1 });
      counts[mix.kind]++;
      const weights = mix.weights.data as Float32Array;
      const mean = weights.reduce((sum, w) => sum + w, 0) / weights.length;
      expect(mean).toBeCloseTo(mix.share, 5);
      if (mix.kind === 'cutmix') expect(weights.every((w) => w === 0 || w === 1)).toBe(true);
    }
    expect(counts.none).toBe(0);
    expect(Math.abs(counts.mixup - 200)).toBeLessThan(50);
  });
  test('of images that are no squares takes a rectangle of their proportions, as far as it is inside', () => {
    for (let seed = 0; seed < 200; seed++) {
      const mix = drawMix(createRandom('wide', seed), [10, 30], { mixupAlpha: 0, cutmixAlpha: 1 });
      expect(mix.weights.shape).toEqual([1, 10, 30, 1]);
      const cut = [...mix.weights.data.keys()].filter((i) => mix.weights.data[i] === 0);
      expect(1 - cut.length / 300).toBeCloseTo(mix.share, 5);
      if (cut.length === 0) continue;
      const extent = (places: number[]) => Math.max(...places) - Math.min(...places) + 1;
      const height = extent(cut.map((i) => Math.floor(i / 30)));
      const width = extent(cut.map((i) => i % 30));
      expect(width * height).toBe(cut.length);
    }
  });
  test('shares have the mean and variance of the Beta distribution', () => {
    const shares = Array.from(
      { length: 4000 },
      (_, i) => drawMix(createRandom('beta', i), 2, { mixupAlpha: 0.8, cutmixAlpha: 0 }).share,
    );
    const mean = shares.reduce((a, b) => a + b) / shares.length;
    const variance = shares.reduce((a, b) => a + (b - mean) ** 2, 0) / shares.length;
    expect(mean).toBeCloseTo(0.5, 1);
    // 1 / (4 (2 alpha + 1))
    expect(Math.abs(variance - 1 / 10.4)).toBeLessThan(0.006);
  });
  test('is with the image in the mirrored place', () => {
    const batch = tf.tensor4d([1, 2, 3], [3, 1, 1, 1]);
    const mixed = mixImages(batch, tf.tensor4d([0.25], [1, 1, 1, 1]));
    expect([...mixed.dataSync()]).toEqual([2.5, 2, 1.5]);
  });
});

test('metrics count what they say', () => {
  const logits = host(
    [
      [3, 1, 0, 0, 0, 0, 0],
      [0, 1, 2, 0, 0, 0, 0],
      [5, 4, 3, 2, 1, 0, 0],
    ].flat(),
    3,
    7,
  );
  const metrics = classificationMetrics(logits, [0, 1, 6]);
  expect(metrics.top1).toBeCloseTo(1 / 3);
  expect(metrics.top5).toBeCloseTo(2 / 3);
  expect(metrics.perClass).toEqual([1, 0, Number.NaN, Number.NaN, Number.NaN, Number.NaN, 0]);
  expect(metrics.meanClassAccuracy).toBeCloseTo(1 / 3);
  expect(metrics.confusion[1]![2]).toBe(1);
  expect(() => classificationMetrics(logits, [0])).toThrow('expected logits [1, numClasses]');
  const short: HostTensor = { dtype: 'float32', shape: [2, 3], data: Float32Array.of(0, 1, 2) };
  expect(() => classificationMetrics(short, [0, 1])).toThrow('Tensor "logits"');
  const diverged: HostTensor = {
    dtype: 'float32',
    shape: [2, 2],
    data: Float32Array.of(0, 1, Number.NaN, 2),
  };
  expect(() => classificationMetrics(diverged, [0, 1])).toThrow('The logits of image 1 are [NaN,2]');
});
