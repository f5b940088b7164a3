import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import fc from 'fast-check';
import { createCanvas, type Pixels } from '../src';
import { plainAdjust, plainView } from './plainPixels';

function noise(width: number, height: number, channels: 3 | 4, seed: number): Pixels {
  const random = createRandom('noise', seed);
  // Some of it black or white, where results are cut off.
  const level = () => Math.min(255, Math.max(0, random.integer(-60, 315)));
  return { width, height, channels, data: Uint8Array.from({ length: width * height * channels }, level) };
}
const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
};
const channel = (bytes: Uint8Array, c: number) => bytes.filter((_, i) => i % 4 === c);

test('the committed kernels are what their source gives', () => {
  const build = join(__dirname, '..', 'kernels', 'build.mjs');
  expect(() => execFileSync(process.execPath, [build, '--check'], { stdio: 'pipe' })).not.toThrow();
});

test('views are those of plain arithmetic, but for roundings', () => {
  const count = { all: 0, different: 0 };
  const images = fc
    .record({
      width: fc.integer({ min: 1, max: 40 }),
      height: fc.integer({ min: 1, max: 40 }),
      channels: fc.constantFrom(3 as const, 4 as const),
      size: fc.integer({ min: 1, max: 24 }),
      filter: fc.constantFrom('bicubic' as const, 'bilinear' as const, 'lanczos' as const, 'box' as const),
      flip: fc.boolean(),
      seed: fc.nat(1000),
    })
    .chain((image) =>
      fc.record({
        image: fc.constant(image),
        left: fc.integer({ min: 0, max: image.width - 1 }),
        top: fc.integer({ min: 0, max: image.height - 1 }),
      }),
    );
  fc.assert(
    fc.property(images, ({ image: { width, height, channels, size, filter, flip, seed }, left, top }) => {
      const pixels = noise(width, height, channels, seed);
      const box = { left, top, width: width - left, height: height - top };
      const view = createCanvas(pixels).view(box, size, filter, flip);
      for (let c = 0; c < channels; c++) {
        const plain = plainView(pixels, c, box, size, filter, flip);
        const own = channel(view.bytes(), c);
        // One level by the first rounding, which a weight above 1 passes on, and one by the second.
        expect(largestDifference(own, plain)).toBeLessThanOrEqual(2);
        count.all += own.length;
        count.different += own.filter((value, i) => value !== plain[i]).length;
      }
      if (channels === 3) expect(channel(view.bytes(), 3).every((opacity) => opacity === 255)).toBe(true);
    }),
    { seed: 3, numRuns: 150 },
  );
  expect(count.different / count.all).toBeLessThan(0.02);
});

test('numbers of a view are its bytes, normalized', () => {
  const canvas = createCanvas(noise(30, 20, 4, 5));
  const view = canvas.view({ left: 3, top: 2, width: 19, height: 17 }, 13, 'bicubic');
  const [mean, std] = [[0.485, 0.456, 0.406] as const, [0.229, 0.224, 0.225] as const];
  const [image, opacity] = [new Float32Array(13 * 13 * 3), new Float32Array(13 * 13)];
  view.normalized(mean, std, image);
  view.opacity(opacity);
  const bytes = view.bytes();
  const expected = Array.from(image, (_, i) => {
    const c = i % 3;
    return (bytes[4 * Math.floor(i / 3) + c]! / 255 - mean[c]!) / std[c]!;
  });
  expect(largestDifference(image, expected)).toBeLessThan(1e-6);
  expect(
    largestDifference(
      opacity,
      Array.from(channel(bytes, 3), (x) => x / 255),
    ),
  ).toBeLessThan(1e-7);
});

test('colours change as in plain arithmetic, to within two levels after all three', () => {
  fc.assert(
    fc.property(
      fc.record({
        width: fc.integer({ min: 1, max: 23 }),
        height: fc.integer({ min: 1, max: 23 }),
        names: fc.shuffledSubarray(['brightness', 'contrast', 'saturation'] as const, { minLength: 1 }),
        factors: fc.array(fc.double({ min: 0, max: 1.9, noNaN: true }), { minLength: 3, maxLength: 3 }),
        seed: fc.nat(1000),
        firstRow: fc.nat(22),
      }),
      ({ width, height, names, factors, seed, firstRow }) => {
        const pixels = noise(width, height, 3, seed);
        const canvas = createCanvas(pixels);
        const top = firstRow % height;
        canvas.adjust(
          names.map((name, i) => ({ name, factor: factors[i]! })),
          { top, height: height - top },
        );
        let plain = Array.from(pixels.data);
        names.forEach((name, i) => {
          plain = plainAdjust(plain, name, factors[i]!);
        });
        const colours = canvas.bytes().filter((_, i) => i % 4 < 3);
        const from = 3 * top * width;
        expect(largestDifference(colours.subarray(from), plain.slice(from))).toBeLessThanOrEqual(
          // A level off may be nearly doubled by the next change.
          names.length === 1 ? 1 : 4,
        );
      },
    ),
    { seed: 4, numRuns: 200 },
  );
});
test('a factor that the kernels have no bits for is refused', () => {
  const canvas = createCanvas(noise(2, 2, 3, 0));
  expect(() => canvas.adjust([{ name: 'contrast', factor: 2 }])).toThrow(
    "A factor of 2 can't be applied: expected one in (-1, 2).",
  );
});
