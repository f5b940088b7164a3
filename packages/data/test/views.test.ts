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

test('crops and the middle have the proportions of a view that is no square', () => {
  for (let seed = 0; seed < 100; seed++) {
    const { width, height } = randomCropBox(600, 400, BEIT_CROP, createRandom(seed), 2);
    expect(width / height / 2).toBeGreaterThan(0.75 * 0.97);
    expect(width / height / 2).toBeLessThan(1.03 / 0.75);
  }
  expect(centerCropBox(100, 80, 2)).toEqual({ left: 0, top: 15, width: 100, height: 50 });
  expect(centerCropBox(100, 80, 0.5)).toEqual({ left: 30, top: 0, width: 40, height: 80 });
});

describe('views that are no squares', () => {
  /** Red grows across, green down, at the same pace. */
  const slopes: Pixels = {
    width: 120,
    height: 100,
    channels: 3,
    data: Uint8Array.from({ length: 120 * 100 * 3 }, (_, i) => {
      const pixel = Math.floor(i / 3);
      return [2 * (pixel % 120), 2 * Math.floor(pixel / 120), 0][i % 3]!;
    }),
  };
  const identity = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const;
  const options = { imageSize: [8, 16], tokenImageSize: [4, 8], normalization: identity } as const;

  test.each(['the middle', 'a crop'])('%s is not squeezed, and both views are of it', (which) => {
    const crop = { scale: [0.3, 0.5], aspect: [1, 1] } as const;
    const augmentation = which === 'a crop' ? { crop, flip: 0 } : undefined;
    for (let seed = 0; seed < 10; seed++) {
      const views = twoViews(createCanvas(slopes), { ...options, augmentation }, createRandom(seed));
      const { image, tokenImage } = views;
      expect([image.length, tokenImage.length]).toEqual([8 * 16 * 3, 4 * 8 * 3]);
      const at = (x: number, y: number, color: number) => image[(y * 16 + x) * 3 + color]!;
      const [across, down] = [(at(12, 4, 0) - at(3, 4, 0)) / 9, (at(8, 6, 1) - at(8, 1, 1)) / 5];
      expect(across).toBeGreaterThan(0);
      expect(Math.abs(across / down - 1)).toBeLessThan(0.1);
      const mean = [0, 1].map((color) => (at(8, 4, color) + at(7, 3, color)) / 2);
      for (const [i, middle] of mean.entries()) {
        const small = (tokenImage[(1 * 8 + 3) * 3 + i]! + tokenImage[(2 * 8 + 4) * 3 + i]!) / 2;
        expect(Math.abs(small * 255 - middle)).toBeLessThan(2);
      }
    }
  });

  test('gray ones have one channel, Pillow’s L, and a token view of three equal ones', () => {
    const normalization = { mean: [0.4], std: [0.2] } as const;
    const gray = twoViews(createCanvas(slopes), { ...options, normalization }, createRandom(0));
    const canvas = createCanvas(slopes);
    canvas.makeGray();
    const levels = canvas.bytes();
    slopes.data.forEach((_, i) => {
      if (i % 3 !== 0) return;
      const [r, g, b] = slopes.data.subarray(i, i + 3) as unknown as [number, number, number];
      const level = (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16;
      expect(Array.from(levels.subarray((4 * i) / 3, (4 * i) / 3 + 4))).toEqual([level, level, level, 255]);
    });
    const equal: Pixels = { ...slopes, data: colours(levels) };
    const colored = twoViews(createCanvas(equal), options, createRandom(0));
    expect(gray.image.length).toBe(8 * 16);
    gray.image.forEach((value, i) => {
      expect(value).toBeCloseTo((colored.image[3 * i]! / 255 - 0.4) / 0.2, 5);
    });
    expect(gray.tokenImage).toEqual(colored.tokenImage);
  });
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
