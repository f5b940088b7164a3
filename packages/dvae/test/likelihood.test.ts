import { createRandom } from '@beit/random';
import * as tf from '@tensorflow/tfjs';
import { gumbelNoise, gumbelSoftmax, klToUniform, logitLaplaceNll, usageEntropy } from '../src/likelihood';
import { uniformNoise } from '../src/uniformNoise';

beforeAll(() => tf.setBackend('cpu'));

const grid4d = (values: ArrayLike<number>) =>
  tf.tensor4d(Float32Array.from(values), [1, 1, values.length, 1]);

describe('logitLaplaceNll', () => {
  test.each([
    [0, 0],
    [1.3, -0.5],
    [-2, -1],
    [0.4, 0.3],
  ])('is of a density: mu %d and ln b %d integrate to 1 over (0, 1)', (mu, logB) => {
    // In logit space, x = s(t) and dx = x (1 - x) dt, the tails are covered too; t beyond 14 is lost to float32.
    const count = 40_000;
    const step = 28 / count;
    const t = Array.from({ length: count }, (_, i) => -14 + (i + 0.5) * step);
    const x = t.map((value) => 1 / (1 + Math.exp(-value)));
    const nll = logitLaplaceNll(grid4d(x), {
      mu: tf.fill([1, 1, count, 1], mu),
      logB: tf.fill([1, 1, count, 1], logB),
    }).dataSync();
    const integral = x.reduce((sum, value, i) => sum + Math.exp(-nll[i]!) * value * (1 - value) * step, 0);
    expect(integral).toBeCloseTo(1, 3);
  });

  test('equals the formula at one point', () => {
    const [x, mu, b] = [0.3, 0.7, 0.6];
    const density = Math.exp(-Math.abs(Math.log(x / (1 - x)) - mu) / b) / (2 * b * x * (1 - x));
    const nll = logitLaplaceNll(grid4d([x]), { mu: grid4d([mu]), logB: grid4d([Math.log(b)]) });
    expect(nll.dataSync()[0]).toBeCloseTo(-Math.log(density), 5);
  });
});

describe('klToUniform', () => {
  test('is 0 for the uniform distribution and ln K where one token is certain', () => {
    const certain = Array.from({ length: 16 }, (_, i) => (i === 3 ? 200 : 0));
    const logits = tf.tensor4d([...new Array<number>(16).fill(2.5), ...certain], [1, 1, 2, 16]);
    const [uniform, one] = klToUniform(logits).dataSync();
    expect(uniform).toBeCloseTo(0, 6);
    expect(one).toBeCloseTo(Math.log(16), 5);
  });

  test('lies between for any logits, and equals the sum over tokens', () => {
    const random = createRandom('kl');
    const rows = Array.from({ length: 50 }, (_, i) =>
      Array.from({ length: 16 }, () => random.normal(0, i / 5)),
    );
    const values = klToUniform(tf.tensor4d(rows.flat(), [1, 5, 10, 16])).dataSync();
    rows.forEach((row, i) => {
      const total = row.reduce((sum, logit) => sum + Math.exp(logit), 0);
      const expected = row.reduce((sum, logit) => {
        const q = Math.exp(logit) / total;
        return sum + q * Math.log(q * 16);
      }, 0);
      expect(values[i]).toBeCloseTo(expected, 4);
      expect(values[i]).toBeGreaterThan(-1e-6);
      expect(values[i]).toBeLessThan(Math.log(16) + 1e-5);
    });
  });
});

describe('gumbelSoftmax', () => {
  const probabilities = [0.5, 0.25, 0.15, 0.07, 0.03];
  const samples = 20_000;
  const logits = () => tf.tile(tf.tensor2d([probabilities.map(Math.log)]), [samples, 1]);
  const { data } = uniformNoise([samples, 5], 11, 0);
  const gumbel = () => gumbelNoise(tf.tensor2d(data as Float32Array, [samples, 5]));

  test('gives distributions', () => {
    const sample = gumbelSoftmax(logits(), gumbel(), tf.scalar(0.7));
    expect(sample.min().dataSync()[0]).toBeGreaterThanOrEqual(0);
    const sums = sample.sum(1);
    expect(tf.max(tf.abs(tf.sub(sums, 1))).dataSync()[0]).toBeLessThan(1e-6);
  });

  test('becomes one-hot at a low temperature, and uniform at a high one', () => {
    const cold = gumbelSoftmax(logits(), gumbel(), tf.scalar(1e-4)).max(1);
    expect(cold.mean().dataSync()[0]).toBeGreaterThan(0.999);
    const hot = gumbelSoftmax(logits(), gumbel(), tf.scalar(1e4));
    expect(tf.max(tf.abs(tf.sub(hot, 0.2))).dataSync()[0]).toBeLessThan(1e-3);
  });

  test('has its largest entry at each token as often as the softmax says', () => {
    const chosen = gumbelSoftmax(logits(), gumbel(), tf.scalar(1)).argMax(1).dataSync();
    const counts = [0, 0, 0, 0, 0];
    for (const token of chosen) counts[token]! += 1;
    // Chi-squared with 4 degrees of freedom exceeds 18.5 once in a thousand.
    const statistic = probabilities.reduce(
      (sum, p, i) => sum + (counts[i]! - samples * p) ** 2 / (samples * p),
      0,
    );
    expect(statistic).toBeLessThan(18.5);
  });
});

describe('usageEntropy', () => {
  test('is 0 when one token is used alone', () => {
    const logits = tf.tile(tf.tensor4d([60, 0, 0, 0], [1, 1, 1, 4]), [2, 3, 3, 1]);
    expect(usageEntropy(logits).dataSync()[0]).toBeCloseTo(0, 5);
  });

  test('is ln K when positions are certain but use all tokens alike', () => {
    const logits = tf.reshape(tf.mul(tf.oneHot([0, 1, 2, 3, 3, 2, 1, 0], 4), 60), [2, 2, 2, 4]);
    expect(usageEntropy(logits).dataSync()[0]).toBeCloseTo(Math.log(4), 5);
  });
});
