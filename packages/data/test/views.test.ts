import { createRandom } from '@beit/random';
import * as fc from 'fast-check';
import {
  type Background,
  BEIT_COLOR_JITTER,
  BEIT_CROP,
  centerCropBox,
  createCanvas,
  INCEPTION_NORMALIZATION,
  type Pixels,
  patchCoverage,
  randomCropBox,
  twoViews,
} from '../src';
import pillow from './fixtures/pillow.json';

const picture = Uint8Array.from(pillow.pixels);
const pixels: Pixels = { width: pillow.width, height: pillow.height, channels: 3, data: picture };
const [left, top, right, bottom] = pillow.box as [number, number, number, number];
const colours = (bytes: Uint8Array) => bytes.filter((_, i) => i % 4 < 3);
function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));
}

test.each(Object.entries(pillow.resized))('%s is Pillow’s', (name, expected) => {
  const [filter, size] = name.split('_') as ['bicubic' | 'lanczos', string];
  const box = { left, top, width: right - left, height: bottom - top };
  const actual = createCanvas(pixels).view(box, Number(size), filter).bytes();
  expect(largestDifference(colours(actual), expected)).toBeLessThanOrEqual(1);
});

test.each(Object.entries(pillow.enhanced))('%s is Pillow’s', (name, expected) => {
  const canvas = createCanvas(pixels);
  const adjustment = name as 'brightness';
  canvas.adjust([{ name: adjustment, factor: pillow.factors[adjustment] }]);
  expect(largestDifference(colours(canvas.bytes()), expected)).toBeLessThanOrEqual(1);
});

test('random crops lie inside, with area and aspect in range', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 8, max: 700 }),
      fc.integer({ min: 8, max: 700 }),
      fc.nat(),
      (width, height, seed) => {
        const box = randomCropBox(width, height, BEIT_CROP, createRandom(seed));
        expect(box.left).toBeGreaterThanOrEqual(0);
        expect(box.top).toBeGreaterThanOrEqual(0);
        expect(box.left + box.width).toBeLessThanOrEqual(width);
        expect(box.top + box.height).toBeLessThanOrEqual(height);
        expect(box.width * box.height).toBeGreaterThan(0);
      },
    ),
    { seed: 2, numRuns: 300 },
  );
});
test('of a very long image, the largest centred box of an allowed aspect is left', () => {
  const box = randomCropBox(1000, 10, { scale: [0.9, 1], aspect: [3 / 4, 4 / 3] }, createRandom(1));
  expect(box).toEqual({ left: 493, top: 0, width: 13, height: 10 });
  expect(centerCropBox(7, 4)).toEqual({ left: 1, top: 0, width: 4, height: 4 });
});

describe('two views', () => {
  const options = {
    imageSize: 8,
    tokenImageSize: 4,
    normalization: INCEPTION_NORMALIZATION,
    background: 'white' as const,
  };
  const augmentation = { crop: BEIT_CROP, colorJitter: BEIT_COLOR_JITTER, flip: 0.5 };
  test('show the same crop: the large one, averaged, is about the small one', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { image, tokenImage } = twoViews(
        createCanvas(pixels),
        { ...options, augmentation: { crop: { ...BEIT_CROP, scale: [0.6, 1] }, flip: 0.5 } },
        createRandom(seed),
      );
      let correlation = 0;
      let [a2, b2] = [0, 0];
      for (let y = 0; y < 4; y++)
        for (let x = 0; x < 4; x++)
          for (let c = 0; c < 3; c++) {
            let mean = 0;
            for (const [dy, dx] of [
              [0, 0],
              [0, 1],
              [1, 0],
              [1, 1],
            ] as const)
              mean += image[((2 * y + dy) * 8 + 2 * x + dx) * 3 + c]! / 4;
            const small = tokenImage[(y * 4 + x) * 3 + c]! * 2 - 1;
            correlation += mean * small;
            a2 += mean * mean;
            b2 += small * small;
          }
      expect(correlation / Math.sqrt(a2 * b2)).toBeGreaterThan(0.85);
    }
  });
  test('depend on the random stream alone', () => {
    const view = (seed: number) =>
      twoViews(createCanvas(pixels), { ...options, augmentation }, createRandom(seed)).image;
    expect(view(1)).toEqual(view(1));
    expect(view(1)).not.toEqual(view(2));
  });
  test('leave the picture as it is without augmentation, and do not write into it', () => {
    const before = picture.slice();
    const views = twoViews(createCanvas(pixels), options, createRandom(0));
    expect(twoViews(createCanvas(pixels), options, createRandom(5)).image).toEqual(views.image);
    twoViews(createCanvas(pixels), { ...options, augmentation }, createRandom(1));
    expect(picture).toEqual(before);
  });
  test('a background is behind the picture: one color, or textures', () => {
    // A single opaque pixel, black, in a corner.
    const data = new Uint8Array(8 * 8 * 4);
    data[3] = 255;
    const shown = (background: Background, seed: number) => {
      const canvas = createCanvas({ width: 8, height: 8, channels: 4, data });
      const { image } = twoViews(canvas, { ...options, background }, createRandom(seed));
      expect(Array.from(image.subarray(0, 3))).toEqual([-1, -1, -1]);
      const colors = Array.from({ length: 63 }, (_, i) => image.subarray(3 * (i + 1), 3 * (i + 2)).join());
      return new Set(colors);
    };
    expect(shown('white', 0)).toEqual(new Set(['1,1,1']));
    expect(shown('pastel', 0).size).toBe(1);
    expect(shown('textured', 0).size).toBeGreaterThan(8);
    expect(shown('textured', 0)).toEqual(shown('textured', 0));
    for (const background of ['pastel', 'textured'] as const)
      expect(shown(background, 0)).not.toEqual(shown(background, 1));
  });
  test('opacity follows crop and mirror, and covers patches', () => {
    const data = new Uint8Array(8 * 8 * 4);
    for (let y = 0; y < 8; y++) for (let x = 0; x < 4; x++) data[(y * 8 + x) * 4 + 3] = 255;
    const half: Pixels = { width: 8, height: 8, channels: 4, data };
    const plain = twoViews(createCanvas(half), { ...options, tokenImageSize: 8 }, createRandom(0));
    expect(Array.from(patchCoverage(plain.opacity, 8, [2, 2]))).toEqual([1, 0, 1, 0]);
    const crop = { scale: [1, 1], aspect: [1, 1] } as const;
    const mirrored = twoViews(
      createCanvas(half),
      { ...options, tokenImageSize: 8, augmentation: { crop, flip: 1 } },
      createRandom(0),
    );
    expect(Array.from(patchCoverage(mirrored.opacity, 8, [2, 2]))).toEqual([0, 1, 0, 1]);
    // Transparent pixels show the background, opaque ones the picture, black here.
    expect(plain.tokenImage[0]).toBe(0);
    expect(plain.tokenImage.at(-1)).toBe(1);
    expect(() => patchCoverage(plain.opacity, 8, [3, 3])).toThrow(
      '8x8 pixels does not split into a grid of 3x3',
    );
  });
});
