import { uniformNoise } from '../src/uniformNoise';

test('lies strictly inside (0, 1) with the mean and spread of the uniform distribution', () => {
  const { data, shape, dtype } = uniformNoise([4, 10, 10, 500], 1, 2);
  expect({ shape, dtype }).toEqual({ shape: [4, 10, 10, 500], dtype: 'float32' });
  expect(data.length).toBe(200_000);
  let [least, most, sum, squares] = [1, 0, 0, 0];
  for (const x of data) {
    least = Math.min(least, x);
    most = Math.max(most, x);
    sum += x;
    squares += x * x;
  }
  expect(least).toBeGreaterThan(0);
  expect(most).toBeLessThan(1);
  // Five standard errors of the mean of 200,000 and of their squares.
  expect(Math.abs(sum / data.length - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / data.length));
  expect(Math.abs(squares / data.length - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / data.length));
});

test('the ends of the grid stay inside in float32, and so does their Gumbel noise', () => {
  for (const bits of [0, 2 ** 23 - 1]) {
    const u = Math.fround((bits + 0.5) / 2 ** 23);
    expect(u).toBeGreaterThan(0);
    expect(u).toBeLessThan(1);
    expect(Number.isFinite(-Math.log(Math.fround(-Math.log(u))))).toBe(true);
  }
});

test('belongs to its seed and step', () => {
  const noise = (seed: number, step: number) => [...uniformNoise([2, 3], seed, step).data];
  expect(noise(1, 2)).toEqual(noise(1, 2));
  expect(noise(1, 2)).not.toEqual(noise(1, 3));
  expect(noise(1, 2)).not.toEqual(noise(2, 2));
});
