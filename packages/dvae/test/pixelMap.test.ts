import * as tf from '@tensorflow/tfjs';
import { mapPixels, unmapPixels } from '../src/pixelMap';

beforeAll(() => tf.setBackend('cpu'));

test('mapping goes from [0, 1] to [0.1, 0.9], and unmapping back', () => {
  const pixels = Float32Array.from({ length: 256 }, (_, i) => i / 255);
  const mapped = mapPixels(tf.tensor1d(pixels));
  expect(mapped.min().dataSync()[0]).toBeCloseTo(0.1, 6);
  expect(mapped.max().dataSync()[0]).toBeCloseTo(0.9, 6);
  unmapPixels(mapped)
    .dataSync()
    .forEach((x, i) => {
      expect(Math.abs(x - pixels[i]!)).toBeLessThan(3e-7);
    });
});

test('what lies outside of [0.1, 0.9] is clamped', () => {
  expect([...unmapPixels(tf.tensor1d([0, 0.05, 0.5, 0.95, 1])).dataSync()]).toEqual([0, 0, 0.5, 1, 1]);
});
