import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import {
  assertShape,
  dropPath,
  dropPathRates,
  gatherPositions,
  gelu,
  layerNorm,
  linear,
  mlp,
  patchify,
  softmax,
  softTargetCrossEntropy,
  sparseCrossEntropy,
  upsample2d,
  weightedMean,
} from '../src';
import { gradientError, numbers } from './checkGradient';

const values = (t: tf.Tensor) => Array.from(t.dataSync());
const labels = tf.tensor1d([2, 0, 4, 4, 1, 3], 'int32');

describe('gradients agree with finite differences', () => {
  test.each<[string, (...x: tf.Tensor[]) => tf.Tensor, number[][]]>([
    ['linear', (x, w, b) => linear(x!, w!, b), [[2, 3, 5], [4, 5], [4]]],
    [
      'linear without bias',
      (x, w) => linear(x!, w!),
      [
        [6, 5],
        [4, 5],
      ],
    ],
    [
      'mlp',
      (x, w1, b1, w2, b2) => mlp(x!, { weight: w1!, bias: b1! }, { weight: w2!, bias: b2! }),
      [[2, 3, 5], [7, 5], [7], [4, 7], [4]],
    ],
    ['layerNorm', (x, g, b) => layerNorm(x!, g!, b!), [[2, 3, 8], [8], [8]]],
    ['gelu', (x) => gelu(x!), [[3, 7]]],
    ['softmax', (x) => softmax(x!), [[2, 3, 5]]],
    ['sparseCrossEntropy', (x) => sparseCrossEntropy(x!, labels), [[6, 5]]],
    [
      'gatherPositions',
      (x) =>
        gatherPositions(
          x!,
          tf.tensor2d(
            [
              [1, 1],
              [3, 0],
            ],
            [2, 2],
            'int32',
          ),
        ),
      [[2, 4, 3]],
    ],
    ['patchify', (x) => patchify(x!, 2), [[2, 4, 6, 3]]],
    ['upsample2d of a batch', (x) => upsample2d(x!), [[2, 3, 2, 2]]],
    ['dropPath', (x) => dropPath(x!, tf.tensor1d([1, 0]), 0.3), [[2, 3, 4]]],
  ])('%s', (_name, f, shapes) => {
    expect(
      gradientError(
        f,
        shapes.map((shape, i) => numbers(shape, i)),
      ),
    ).toBeLessThan(5e-3);
  });
});

test('layers leave no tensors behind but their results', () => {
  const [x, w, b] = [numbers([2, 3, 5], 0), numbers([4, 5], 1), numbers([4], 2)];
  const before = tf.memory().numTensors;
  for (let i = 0; i < 3; i++) {
    const results = tf.tidy(() =>
      tf.grads((a, c, d) =>
        mlp(linear(a, c, d), { weight: c.transpose(), bias: tf.zeros([5]) }, { weight: c, bias: d }).sum(),
      )([x, w, b]),
    );
    tf.dispose(results);
  }
  expect(tf.memory().numTensors).toBe(before);
});

test('linear is x times weight transposed plus bias', () => {
  const y = linear(
    tf.tensor2d([[1, 2]]),
    tf.tensor2d([
      [3, 4],
      [5, 6],
      [7, 8],
    ]),
    tf.tensor1d([0.5, 0, -0.5]),
  );
  expect(values(y)).toEqual([11.5, 17, 22.5]);
  expect(() => linear(tf.ones([2, 3]), tf.ones([4, 5]))).toThrow('linear weight is [4,5]; expected [out, 3]');
});

test('mlp is two linear layers and a gelu, and so is its gradient', () => {
  const given = [
    numbers([2, 3, 5], 0),
    numbers([7, 5], 1),
    numbers([7], 2),
    numbers([4, 7], 3),
    numbers([4], 4),
  ];
  const apart = (...[x, w1, b1, w2, b2]: tf.Tensor[]) =>
    tf.sum(tf.square(linear(gelu(linear(x!, w1!, b1)), w2!, b2))) as tf.Scalar;
  const fused = (...[x, w1, b1, w2, b2]: tf.Tensor[]) =>
    tf.sum(tf.square(mlp(x!, { weight: w1!, bias: b1! }, { weight: w2!, bias: b2! }))) as tf.Scalar;
  const results = [apart, fused].map((f) => {
    const { value, grads } = tf.valueAndGrads(f)(given);
    return [value, ...grads].map(values);
  });
  results[0]!.forEach((expected, i) => {
    expected.forEach((number, j) => {
      expect(results[1]![i]![j]).toBeCloseTo(number, 5);
    });
  });
  const layer = (out: number, width: number) => ({ weight: tf.ones([out, width]), bias: tf.ones([out]) });
  expect(() => mlp(tf.ones([2, 3]), layer(4, 5), layer(3, 4))).toThrow(
    'The first weight of an MLP: got [4, 5]; expected [4, 3]',
  );
});

test('layerNorm gives rows of mean offset and deviation scale', () => {
  const y = layerNorm(numbers([4, 64], 1, 3), tf.fill([64], 2), tf.fill([64], 5));
  const { mean, variance } = tf.moments(y, 1);
  for (const m of values(mean)) expect(m).toBeCloseTo(5, 4);
  for (const v of values(variance)) expect(v).toBeCloseTo(4, 3);
});

test('gelu at known points', () => {
  const [a, b, c] = values(gelu(tf.tensor1d([0, 1, -1])));
  expect(a).toBe(0);
  expect(b).toBeCloseTo(0.8413447, 5);
  expect(c).toBeCloseTo(-0.1586553, 5);
});

test('softmax does not change when every logit moves by the same amount', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 2, maxLength: 8 }),
      fc.double({ min: -50, max: 50, noNaN: true }),
      (logits, shift) => {
        const p = values(softmax(tf.tensor2d([logits])));
        const q = values(softmax(tf.tensor2d([logits.map((x) => x + shift)])));
        p.forEach((x, i) => {
          expect(q[i]).toBeCloseTo(x, 4);
        });
        expect(p.reduce((a, x) => a + x, 0)).toBeCloseTo(1, 5);
      },
    ),
    { numRuns: 30, seed: 1 },
  );
});

test('cross-entropy is stable for large logits, and ln K for equal ones', () => {
  const [sure, wrong] = values(
    sparseCrossEntropy(
      tf.tensor2d([
        [1000, 0, 0],
        [1000, 0, 0],
      ]),
      tf.tensor1d([0, 1], 'int32'),
    ),
  );
  expect(sure).toBe(0);
  expect(wrong).toBe(1000);
  expect(values(sparseCrossEntropy(tf.zeros([1, 8]), tf.tensor1d([3], 'int32')))[0]).toBeCloseTo(
    Math.log(8),
    5,
  );
  expect(() => sparseCrossEntropy(tf.zeros([2, 8]), tf.tensor1d([3], 'int32'))).toThrow(
    'expected [rows, classes] and [rows]',
  );
  for (const label of [8, -1])
    expect(() => sparseCrossEntropy(tf.zeros([1, 8]), tf.tensor1d([label], 'int32'))).toThrow(
      `the index value ${label} is not in [0, 7]`,
    );
});

test('a weighted mean of nothing is 0, not NaN', () => {
  expect(values(weightedMean(tf.tensor1d([3, 5]), tf.zeros([2])))).toEqual([0]);
  expect(values(weightedMean(tf.tensor1d([3, 5]), tf.tensor1d([1, 0])))).toEqual([3]);
});

test('drop path scales what stays, and rates rise linearly', () => {
  const kept = values(dropPath(tf.ones([2, 2]), tf.tensor1d([1, 0]), 0.5));
  expect(kept).toEqual([2, 2, 0, 0]);
  expect(dropPathRates(0.2, 3)).toEqual([0, 0.1, 0.2]);
  expect(dropPathRates(0.2, 1)).toEqual([0]);
});

test('patchify keeps every pixel, patch by patch, channel by channel', () => {
  const image = tf.range(0, 4 * 6 * 3).reshape([1, 4, 6, 3]);
  const patches = patchify(image, 2);
  expect(patches.shape).toEqual([1, 6, 12]);
  expect([...values(patches)].sort((a, b) => a - b)).toEqual(values(image));
  expect(values(patches.slice([0, 1, 0], [1, 1, 4]))).toEqual([6, 9, 24, 27]);
  expect(() => patchify(image, 4)).toThrow('4x6 pixels do not split into patches of 4');
});

test('assertShape shows expected and got', () => {
  expect(() => assertShape(tf.zeros([2, 3]), [-1, 4], 'The thing')).toThrow(
    'The thing: got [2, 3]; expected [any, 4].',
  );
});

test('the cross-entropy with probabilities is that of plain ops, and its gradient p - target', () => {
  const logits = tf.tensor2d([
    [1, 2, 3],
    [200, -100, 0],
  ]);
  const targets = tf.tensor2d([
    [0.2, 0.3, 0.5],
    [0, 1, 0],
  ]);
  const plain = tf.neg(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1));
  const own = softTargetCrossEntropy(logits, targets);
  expect([...own.dataSync()]).toEqual([...plain.dataSync()].map((x) => expect.closeTo(x, 4)));
  const gradient = tf.grad((x) => tf.sum(softTargetCrossEntropy(x, targets)))(logits);
  const expected = tf.sub(tf.softmax(logits), targets);
  expect(tf.max(tf.abs(tf.sub(gradient, expected))).dataSync()[0]).toBeLessThan(1e-6);
});
