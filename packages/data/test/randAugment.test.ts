import { createRandom } from '@beit/random';
import * as fc from 'fast-check';
import {
  BEIT_CROP,
  BEIT_RAND_AUGMENT,
  createCanvas,
  createLoader,
  emojiDataset,
  INCEPTION_NORMALIZATION,
  twoViews,
} from '../src';
import * as colors from '../src/pixels/colorOps';
import { type Affine, rotate, shearX, shearY, transform, translateX, translateY } from '../src/views/affine';
import { applyRandAugment } from '../src/views/randAugment';
import { BEIT_ERASING, eraseRandomly } from '../src/views/randomErasing';
import pillow from './fixtures/pillowOps.json';

const { size } = pillow;
const GRAY = [128, 128, 128] as const;
/** The picture, or its upper part, with some opacity, which no op of a colour changes, as a view of its own size. */
const picture = (height = size) => {
  const data = new Uint8Array(4 * size * size).fill(200);
  pillow.pixels.forEach((value, i) => {
    data[4 * Math.floor(i / 3) + (i % 3)] = value;
  });
  const box = { left: 0, top: 0, width: size, height };
  return createCanvas({ ...whole, channels: 4, data }).view(box, [height, size], 'bicubic');
};
const whole = { width: size, height: size };
const coloursOf = (bytes: Uint8Array) => [...bytes].filter((_, i) => i % 4 < 3);

type Ops = Readonly<Record<string, (bytes: Uint8Array, amount: number) => void>>;
const opsOf = (picture: { readonly width: number; readonly height: number }): Ops => {
  const moved = (affine: Affine) => (bytes: Uint8Array) => transform(bytes, picture, affine, GRAY);
  return {
    invert: colors.invert,
    autoContrast: colors.autoContrast,
    equalize: colors.equalize,
    posterize: colors.posterize,
    solarize: colors.solarize,
    solarizeAdd: colors.solarizeAdd,
    sharpness: (bytes, factor) => colors.sharpness(bytes, picture.width, factor),
    shearX: (bytes, factor) => moved(shearX(factor))(bytes),
    shearY: (bytes, factor) => moved(shearY(factor))(bytes),
    translateX: (bytes, pixels) => moved(translateX(pixels))(bytes),
    translateY: (bytes, pixels) => moved(translateY(pixels))(bytes),
    rotate: (bytes, degrees) => moved(rotate(degrees, picture))(bytes),
  };
};

const ADJUSTMENTS: Readonly<Record<string, 'saturation' | 'contrast' | 'brightness'>> = {
  color: 'saturation',
  contrast: 'contrast',
  brightness: 'brightness',
};

test.each(Object.entries(pillow.results))('%s is Pillow’s', (name, expected) => {
  const [op, amount] = name.split('_') as [string, string | undefined];
  const view = picture();
  const adjustment = ADJUSTMENTS[op];
  if (adjustment) view.adjust({ name: adjustment, factor: Number(amount) });
  else opsOf(whole)[op]!(view.bytes(), Number(amount));
  expectNear(view.bytes(), expected);
});

test.each(Object.entries(pillow.wide))('%s of a picture that is no square is Pillow’s', (name, expected) => {
  const [op, amount] = name.split('_') as [string, string];
  const view = picture(size / 2);
  opsOf({ width: size, height: size / 2 })[op]!(view.bytes(), Number(amount));
  expectNear(view.bytes(), expected);
});

function expectNear(bytes: Uint8Array, expected: readonly number[]): void {
  const actual = coloursOf(bytes);
  expect(actual.length).toBe(expected.length);
  const worst = Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!)));
  expect(worst).toBeLessThanOrEqual(1);
}

test('RandAugment changes colours and places at random, and nothing without ops', () => {
  const original = picture().bytes().slice();
  const changed = (ops: number, seed: number) => {
    const view = picture();
    applyRandAugment({ view, size: whole, fill: GRAY }, { ...BEIT_RAND_AUGMENT, ops }, createRandom(seed));
    return view.bytes().slice();
  };
  expect(changed(0, 1)).toEqual(original);
  expect(changed(2, 1)).toEqual(changed(2, 1));
  const same = Array.from({ length: 200 }, (_, seed) => changed(2, seed)).filter((bytes) =>
    bytes.every((value, i) => value === original[i]),
  ).length;
  // Each of two ops is left out half of the time: a quarter stays, and what an op leaves as it is.
  expect(same).toBeGreaterThan(30);
  expect(same).toBeLessThan(80);
});

test('erasing overwrites one rectangle of an area in range, with noise of deviation 1', () => {
  let erased = 0;
  for (let seed = 0; seed < 400; seed++) {
    const image = new Float32Array(3 * 32 * 32).fill(9);
    eraseRandomly(image, 32, BEIT_ERASING, createRandom('erase', seed));
    const gone = [...image.keys()].filter((i) => image[i] !== 9);
    if (gone.length === 0) continue;
    erased++;
    const rows = gone.map((i) => Math.floor(i / 96));
    const columns = gone.map((i) => Math.floor((i % 96) / 3));
    const height = Math.max(...rows) - Math.min(...rows) + 1;
    const width = Math.max(...columns) - Math.min(...columns) + 1;
    expect(gone.length).toBe(3 * width * height);
    expect(width * height).toBeGreaterThan(0.01 * 32 * 32);
    expect(width * height).toBeLessThan(0.4 * 32 * 32);
  }
  expect(Math.abs(erased - 100)).toBeLessThan(40);
});

test('of images that are no squares, and of gray ones, it erases one rectangle, too', () => {
  const [rows, columns] = [16, 40];
  for (let seed = 0; seed < 100; seed++) {
    const image = new Float32Array(rows * columns).fill(9);
    eraseRandomly(image, [rows, columns], { ...BEIT_ERASING, probability: 1 }, createRandom('wide', seed));
    const gone = [...image.keys()].filter((i) => image[i] !== 9);
    const extent = (places: number[]) => Math.max(...places) - Math.min(...places) + 1;
    const height = extent(gone.map((i) => Math.floor(i / columns)));
    const width = extent(gone.map((i) => i % columns));
    expect(gone.length).toBe(width * height);
    expect(gone.length / image.length).toBeGreaterThan(0.01);
    expect(gone.length / image.length).toBeLessThan(0.4);
  }
});

test('a view with RandAugment and erasing is a function of its random stream', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const options = {
        imageSize: 16,
        tokenImageSize: 0,
        normalization: INCEPTION_NORMALIZATION,
        background: 'white',
        augmentation: { crop: BEIT_CROP, flip: 0.5, randAugment: BEIT_RAND_AUGMENT, erasing: BEIT_ERASING },
      } as const;
      const pixels = {
        width: size,
        height: size,
        channels: 3,
        data: Uint8Array.from(pillow.pixels),
      } as const;
      const view = () => twoViews(createCanvas(pixels), options, createRandom(seed));
      expect(view().image).toEqual(view().image);
      expect(view().tokenImage.length).toBe(0);
      expect(() =>
        twoViews(createCanvas(pixels), { ...options, tokenImageSize: 8 }, createRandom(seed)),
      ).toThrow('tokenImageSize must be 0 and is 8');
    }),
    { seed: 1, numRuns: 20 },
  );
});

test('a loader without a view for the tokenizer gives the same batch from a worker', async () => {
  const { source } = await emojiDataset({ split: 'heldOut', size: 24 });
  const batchWith = async (workers: number) => {
    const loader = createLoader({
      source,
      batchSize: 4,
      seed: 1,
      workers,
      views: {
        imageSize: 16,
        tokenImageSize: 0,
        normalization: INCEPTION_NORMALIZATION,
        background: 'white',
        augmentation: { crop: BEIT_CROP, flip: 0.5, randAugment: BEIT_RAND_AUGMENT, erasing: BEIT_ERASING },
      },
    });
    const batch = await loader.batch(3);
    await loader.close();
    return batch;
  };
  const batch = await batchWith(0);
  expect(batch.images.shape).toEqual([4, 16, 16, 3]);
  expect(batch.tokenImages.shape).toEqual([4, 0, 0, 3]);
  expect(await batchWith(1)).toEqual(batch);
});
