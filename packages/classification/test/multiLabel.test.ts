/** Training and metrics of several labels against torch, transformers and scikit-learn; `fixtures/multiLabel.py` asked these. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileForward } from '@beit/compile';
import { binaryCrossEntropy } from '@beit/nn';
import { valueAndGrads } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { HostTensor } from '@beit/tensors';
import { createVit, inferVitConfig } from '@beit/vit';
import { loadSafetensors } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { createClassifier, drawMix, multiLabelMetrics, multiLabelTargets } from '../src';

tf.enableProdMode();
tf.setBackend('cpu');

interface Listed {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface ExpectedMetrics {
  readonly logits: Listed;
  readonly labels: readonly (readonly number[])[];
  readonly averagePrecision: readonly (number | null)[];
  readonly f1: readonly (number | null)[];
  readonly mAP: number;
  readonly f1Micro: number;
  readonly f1Macro: number;
  readonly exactMatch: number;
}
const expected: {
  readonly loss: Readonly<Record<'logits' | 'targets' | 'gradient', Listed>> & { readonly loss: number };
  readonly model: {
    readonly labels: readonly (readonly number[])[];
    readonly loss: number;
    readonly gradients: Readonly<Record<string, Listed>>;
  };
  readonly metrics: readonly ExpectedMetrics[];
} = JSON.parse(readFileSync(join(__dirname, 'fixtures/multiLabel.json'), 'utf8'));

const host = ({ shape, data }: Listed): HostTensor => ({
  dtype: 'float32',
  shape: [...shape],
  data: Float32Array.from(data),
});

/** The largest difference, as a share of the largest value. */
const error = (given: ArrayLike<number>, wanted: ArrayLike<number>) => {
  expect(given.length).toBe(wanted.length);
  const largest = Math.max(...Array.from(wanted, Math.abs));
  return Math.max(...Array.from(wanted, (value, i) => Math.abs(value - given[i]!))) / largest;
};

/** To 12 digits; NaN is NaN. */
const expectSame = (given: number, wanted: number) =>
  Number.isNaN(wanted) ? expect(given).toBeNaN() : expect(given).toBeCloseTo(wanted, 12);

describe('the loss', () => {
  const { logits, targets, loss, gradient } = expected.loss;
  const of = ({ x }: Record<string, tf.Tensor>, { targets }: { targets: tf.Tensor }) => {
    const trained = valueAndGrads(
      (params) => ({ loss: tf.mean(binaryCrossEntropy(params.x!, targets)) as tf.Scalar }),
      { x: x! },
    );
    return { loss: trained.loss as tf.Tensor, gradient: trained.gradients.x! };
  };

  const expectSameAs = (given: { loss: ArrayLike<number>; gradient: ArrayLike<number> }) => {
    expect(error(given.loss, [loss])).toBeLessThan(1e-6);
    expect(error(given.gradient, gradient.data)).toBeLessThan(1e-6);
  };

  test('and its gradient are those of torch, soft targets and large logits too', () => {
    const [x, wanted] = [logits, targets].map(({ data, shape }) => tf.tensor([...data], [...shape]));
    const eager = of({ x: x! }, { targets: wanted! });
    expectSameAs({ loss: eager.loss.dataSync(), gradient: eager.gradient.dataSync() });
  });

  const compiled = async (engine: 'onnxruntime' | 'openvino' | 'xla') => {
    const example = { params: { x: host(logits) }, inputs: { targets: host(targets) } };
    const program = await compileForward(of, example, { engine, precision: 'fp32' });
    const { loss, gradient } = await program.run(example.inputs);
    await program.dispose();
    expectSameAs({ loss: loss.data, gradient: gradient.data });
  };
  test('the same on onnxruntime', () => compiled('onnxruntime'));
  whereInstalled('OpenVINO', () => {
    test('the same on OpenVINO', () => compiled('openvino'));
  });
  whereInstalled('XLA', () => {
    test('the same on XLA', () => compiled('xla'));
  });

  test('of other shapes is refused', () => {
    expect(() => binaryCrossEntropy(tf.zeros([2, 3]), tf.zeros([3]))).toThrow('logits [2,3] and targets [3]');
  });

  test('through the whole model is that of transformers', async () => {
    const { tensors } = await loadSafetensors(join(__dirname, '../../../fixtures/classify.safetensors'));
    const params = Object.fromEntries(
      Object.entries(tensors).flatMap(([name, { data, shape }]) =>
        name.startsWith('param.') ? [[name.slice(6), tf.tensor(data as Float32Array, [...shape])]] : [],
      ),
    );
    const backbone = createVit(inferVitConfig(params));
    const classifier = createClassifier({ backbone, numClasses: 7, multiLabel: true });
    const input = tensors['input.images']!;
    const images = tf.transpose(tf.tensor(input.data as Float32Array, [...input.shape]), [0, 2, 3, 1]);
    const targets = multiLabelTargets(expected.model.labels, { numClasses: 7 });
    const { loss, gradients } = valueAndGrads(
      (p) => ({ ...classifier.loss(p, images, tf.tensor(targets.data, [...targets.shape])) }),
      params,
    );
    expect(error(loss!.dataSync(), [expected.model.loss])).toBeLessThan(1e-6);
    for (const [name, { data }] of Object.entries(expected.model.gradients))
      expect([name, error(gradients[name]!.dataSync(), data) < 1e-6]).toEqual([name, true]);
  });
});

describe('targets', () => {
  test('are 1 for the classes of an image, each once', () => {
    const { data, shape } = multiLabelTargets([[2, 0, 2], []], { numClasses: 3 });
    expect([[...data], shape]).toEqual([
      [1, 0, 1, 0, 0, 0],
      [2, 3],
    ]);
  });
  test('of a mixed batch are mixed as the pixels are', () => {
    const mix = { ...drawMix(createRandom(1), 4, { mixupAlpha: 0.8, cutmixAlpha: 0 }), share: 0.75 };
    expect([...multiLabelTargets([[0, 1], [1], []], { numClasses: 2, mix }).data]).toEqual([
      0.75, 0.75, 0, 1, 0.25, 0.25,
    ]);
  });
  test('of a label that is no class are refused', () => {
    expect(() => multiLabelTargets([[0], [3]], { numClasses: 3 })).toThrow(
      'Label 0 is 3; expected a class from 0 to 2.',
    );
  });
});

describe('metrics', () => {
  test.each(expected.metrics)(
    'are those of scikit-learn',
    ({ logits, labels, averagePrecision, f1, ...wanted }) => {
      const { perClass, measuredClasses, ...found } = multiLabelMetrics(host(logits), labels);
      for (const name of ['mAP', 'f1Micro', 'f1Macro', 'exactMatch'] as const)
        expect(found[name]).toBeCloseTo(wanted[name], 12);
      expect(measuredClasses).toBe(averagePrecision.filter((value) => value !== null).length);
      for (const [label, own] of perClass.entries()) {
        const images = labels.filter((set) => set.includes(label)).length;
        expect(own.images).toBe(images);
        expectSame(own.averagePrecision, averagePrecision[label] ?? Number.NaN);
        expectSame(own.f1, f1[label] ?? Number.NaN);
      }
    },
  );

  test('average precision is what its definition says, whatever is equal', () => {
    const image = fc.record({ score: fc.integer({ min: -3, max: 3 }), there: fc.boolean() });
    fc.assert(
      fc.property(fc.array(image, { minLength: 1, maxLength: 20 }), (images) => {
        const positives = images.filter(({ there }) => there).length;
        const logits = host({ shape: [images.length, 1], data: images.map(({ score }) => score) });
        const { perClass, mAP } = multiLabelMetrics(
          logits,
          images.map(({ there }) => (there ? [0] : [])),
        );
        let [area, recall] = [0, 0];
        for (let threshold = 3; threshold >= -3; threshold--) {
          const taken = images.filter(({ score }) => score >= threshold);
          if (taken.length === 0) continue;
          const right = taken.filter(({ there }) => there).length;
          area += (right / positives - recall) * (right / taken.length);
          recall = right / positives;
        }
        expectSame(perClass[0]!.averagePrecision, positives === 0 ? Number.NaN : area);
        expectSame(mAP, perClass[0]!.averagePrecision);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test('a class that no image has counts for no mean; without any there is none', () => {
    const logits = host({ shape: [2, 2], data: [1, 5, -1, 5] });
    expect(multiLabelMetrics(logits, [[0], []])).toMatchObject({
      mAP: 1,
      f1Macro: 1,
      measuredClasses: 1,
      f1Micro: 0.5,
    });
    const none = multiLabelMetrics(host({ shape: [1, 2], data: [-1, -1] }), [[]]);
    expect(none).toMatchObject({ mAP: Number.NaN, f1Micro: Number.NaN, exactMatch: 1, measuredClasses: 0 });
  });

  test('NaN, labels that are no class and other numbers of images are refused', () => {
    const logits = host({ shape: [2, 2], data: [0, 1, Number.NaN, 2] });
    expect(() => multiLabelMetrics(logits, [[0], [1]])).toThrow('The logits of image 1 are [NaN,2]');
    expect(() => multiLabelMetrics(logits, [[0]])).toThrow('expected logits [1, numClasses]');
    expect(() => multiLabelMetrics(host({ shape: [1, 2], data: [0, 1] }), [[2]])).toThrow('Label 0 is 2');
  });
});
