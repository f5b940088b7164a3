import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createRandom } from '@beit/random';
import { stretchFraming } from '@beit/weights';
import sharp from 'sharp';
import {
  ADE20K_DISTORTION,
  ADE20K_SCALE,
  type CropLoaderOptions,
  compactNames,
  createCropLoader,
  distortColors,
  emojiScenes,
  IMAGENET_NORMALIZATION,
  readAnnotation,
  readLabelled,
  type SegmentationSource,
  scaleFactor,
  segmentationFolder,
  writeEmojiScenes,
} from '../src';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'segmentation-'));
});
afterEach(() => rm(folder, { recursive: true }));

const CLASSES = 3;
const annotation = { numClasses: CLASSES, labels: 'ade20k' } as const;

async function write(path: string, data: Uint8Array | string): Promise<string> {
  const whole = join(folder, path);
  await mkdir(dirname(whole), { recursive: true });
  await writeFile(whole, data);
  return whole;
}
const gray = (width: number, height: number, values: ArrayLike<number>) =>
  sharp(Uint8Array.from(values), { raw: { width, height, channels: 1 } }).toColourspace('b-w');

/** The left half is class 1, the right half class 2 of ADE20K's numbers, and the first row has none. */
const halves = (width: number, height: number) =>
  Uint8Array.from({ length: width * height }, (_, i) => (i < width ? 0 : i % width < width / 2 ? 1 : 2));
/** The same of a picture that was turned by a quarter, clockwise. */
const upperAndLower = (width: number, height: number) =>
  Uint8Array.from({ length: width * height }, (_, i) => (Math.floor(i / width) < height / 2 ? 1 : 2));
/** The left half is red, the right half green. */
const colored = (width: number, height: number) =>
  sharp(
    Uint8Array.from({ length: width * height * 3 }, (_, i) => {
      const left = Math.floor(i / 3) % width < width / 2;
      return i % 3 === (left ? 0 : 1) ? 250 : 5;
    }),
    { raw: { width, height, channels: 3 } },
  );

describe('annotations', () => {
  test('0 is none and 1 the first class, as ADE20K has it', async () => {
    const path = await write('a.png', await gray(4, 1, [0, 1, 3, 255]).png().toBuffer());
    expect(await readAnnotation(path, annotation)).toEqual({
      width: 4,
      height: 1,
      labels: Uint8Array.of(255, 0, 2, 255),
    });
  });

  test('or 0 is the first class', async () => {
    const path = await write('a.png', await gray(3, 1, [0, 2, 255]).png().toBuffer());
    const { labels } = await readAnnotation(path, { numClasses: 3, labels: 'from-zero' });
    expect([...labels]).toEqual([0, 2, 255]);
  });

  test.each([2, 4, 16, 256])('palette indices are classes, with up to %i colors', async (colors) => {
    // The quantizer chooses the order of the palette, so the picture of its colors says what an index stands for.
    const wanted = Uint8Array.from({ length: 64 }, (_, i) => Math.floor(i / 32));
    const picture = Uint8Array.from(
      { length: 192 },
      (_, i) => [200, 10][wanted[Math.floor(i / 3)]!]! + (i % 3),
    );
    const png = await sharp(picture, { raw: { width: 8, height: 8, channels: 3 } })
      .png({ palette: true, colours: colors, dither: 0 })
      .toBuffer();
    expect(png[25]).toBe(3);
    const { labels } = await readAnnotation(await write('a.png', png), {
      numClasses: 2,
      labels: 'from-zero',
    });
    const first = labels[0]!;
    expect([...labels]).toEqual([...wanted].map((half) => (half === 0 ? first : 1 - first)));
  });

  test.each([
    [
      'a number that is no class',
      () => gray(2, 2, [1, 2, 3, 4]).png().toBuffer(),
      /column 1, row 1 is 4; expected 0 for none, 1 to 3, or 255/,
    ],
    ['colors', () => colored(2, 2).png().toBuffer(), /of kind 'rgb' with 8 bits; expected classes/],
    ['a JPEG file', () => colored(2, 2).jpeg().toBuffer(), /not a PNG file/],
    ['nothing', async () => Buffer.alloc(0), /not a PNG file/],
  ])('%s is an error that says so', async (_, make, message) => {
    const path = await write('a.png', await make());
    await expect(readAnnotation(path, annotation)).rejects.toThrow(message);
  });

  test('a huge one is refused before it is decoded, a damaged one when it is', async () => {
    const png = await gray(4, 4, new Uint8Array(16)).png().toBuffer();
    const huge = Buffer.from(png);
    huge.writeUInt32BE(60_000, 16);
    huge.writeUInt32BE(60_000, 20);
    await expect(readAnnotation(await write('huge.png', huge), annotation)).rejects.toThrow('60000x60000');
    const cut = await write('cut.png', png.subarray(0, png.length - 20));
    await expect(readAnnotation(cut, annotation)).rejects.toThrow();
  });
});

/** Every kind of image file that a folder may have; two of each part. */
async function writeFolder(): Promise<void> {
  const files: [name: string, image: Buffer, width: number, height: number][] = [
    ['training/plain.jpg', await colored(64, 48).jpeg().toBuffer(), 64, 48],
    ['training/small.png', await colored(9, 7).png().toBuffer(), 9, 7],
    ['training/gray.jpg', await colored(40, 31).greyscale().jpeg().toBuffer(), 40, 31],
    ['training/cmyk.jpg', await colored(33, 65).toColourspace('cmyk').jpeg().toBuffer(), 33, 65],
    // Stored on its side, annotated upright.
    ['training/turned.jpg', await colored(30, 50).withMetadata({ orientation: 6 }).jpeg().toBuffer(), 50, 30],
    // Annotated as it is stored.
    ['training/stored.jpg', await colored(30, 50).withMetadata({ orientation: 6 }).jpeg().toBuffer(), 30, 50],
    ['validation/a.jpg', await colored(20, 20).jpeg().toBuffer(), 20, 20],
    [
      'validation/stored.jpg',
      await colored(30, 50).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
      30,
      50,
    ],
  ];
  for (const [name, image, width, height] of files) {
    await write(`images/${name}`, image);
    const isTurned = name.includes('turned');
    const classes = isTurned ? upperAndLower(width, height) : halves(width, height);
    const png = await gray(width, height, classes).png().toBuffer();
    await write(`annotations/${name.replace(/\.\w+$/, '.png')}`, png);
  }
}

describe('folders', () => {
  test('in the layout of ADE20K, with names of classes where there are some', async () => {
    await writeFolder();
    const { training, validation, classes } = await segmentationFolder(folder);
    expect(classes).toBeUndefined();
    expect(training.images.names).toEqual([
      'cmyk.jpg',
      'gray.jpg',
      'plain.jpg',
      'small.png',
      'stored.jpg',
      'turned.jpg',
    ]);
    expect(training.annotations[2]).toBe('plain.png');
    expect(validation.images.names.length).toBe(2);
    await write('classes.json', '["cat", "dog"]');
    expect((await segmentationFolder(folder)).classes).toEqual(['cat', 'dog']);
  });

  test("with a part for testing, and in the layout of SegNet's CamVid", async () => {
    await writeFolder();
    expect((await segmentationFolder(folder)).test).toBeUndefined();
    for (const name of ['images/test/x.jpg', 'annotations/test/x.png', 'annotations/test/y.png'])
      await write(name, '');
    const whole = await segmentationFolder(folder);
    expect([whole.test!.images.names, whole.test!.annotations]).toEqual([['x.jpg'], ['x.png']]);
    for (const name of ['train/1.png', 'trainannot/1.png', 'val/2.png', 'valannot/2.png'])
      await write(`SegNet/${name}`, '');
    const { training, validation, test } = await segmentationFolder(join(folder, 'SegNet'));
    expect(training).toMatchObject({
      images: { kind: 'folder', directory: join(folder, 'SegNet/train'), names: ['1.png'] },
      directory: join(folder, 'SegNet/trainannot'),
      annotations: ['1.png'],
    });
    expect([validation.images.names, validation.annotations, test]).toEqual([
      ['2.png'],
      ['2.png'],
      undefined,
    ]);
  });

  test('files of other endings are counted, among masks other pictures too', async () => {
    await writeFolder();
    expect((await segmentationFolder(folder)).passedOver).toEqual({ endings: {}, special: [] });
    await write('images/training/notes.txt', '');
    await write('annotations/training/plain.jpg', '');
    await write('annotations/validation/a.heic', '');
    expect((await segmentationFolder(folder)).passedOver.endings).toEqual({
      '.txt': 1,
      '.jpg': 1,
      '.heic': 1,
    });
  });

  test.each([
    [
      'a folder is missing',
      () => rm(join(folder, 'annotations/validation'), { recursive: true }),
      /no folder 'annotations\/validation'; expected images\/training/,
    ],
    [
      'an image has no annotation',
      () => rm(join(folder, 'annotations/training/gray.png')),
      /1 images .* have no annotation .*'gray\.jpg'; expected 'gray\.png'/,
    ],
    [
      'an image has two annotations',
      () => write('annotations/training/gray.tif', 'x'),
      /has both 'gray\.png' and 'gray\.tif'/,
    ],
    [
      'there is one name alone',
      () => write('classes.json', '["road"]'),
      /names one class, 'road'; .*: \["background", "road"\]/,
    ],
    ['a name is twice', () => write('classes.json', '["a", "b", "a"]'), /names 'a' twice/],
    ['names are no list', () => write('classes.json', '{"a": 1}'), /no list of 2 to 254 names/],
    ['names are no JSON', () => write('classes.json', 'cat'), /no JSON; expected a list of names/],
  ])('%s: an error that says what was expected', async (_, damage, message) => {
    await writeFolder();
    await damage();
    await expect(segmentationFolder(folder)).rejects.toThrow(message);
  });
});

const optionsOf = async (more: Partial<CropLoaderOptions> = {}): Promise<CropLoaderOptions> => ({
  source: (await segmentationFolder(folder)).training,
  batchSize: 3,
  seed: 1,
  workers: 0,
  annotation,
  crops: {
    cropSize: 32,
    ratio: [0.5, 2],
    categoryMaxRatio: 0.75,
    flip: 0.5,
    distortion: ADE20K_DISTORTION,
    normalization: IMAGENET_NORMALIZATION,
  },
  ...more,
});

describe('crops', () => {
  test.each([
    [32, 32],
    [24, 48],
    [48, 20],
  ])(
    'of %p x %p: labels lie on what they are labels of, whatever the file, and nothing is beyond the image',
    async (height, width) => {
      await writeFolder();
      const options = await optionsOf({ batchSize: 6 });
      const { crops } = options;
      // Without changed colors a pixel's color tells its class.
      const loader = createCropLoader({
        ...options,
        crops: { ...crops, cropSize: [height, width], distortion: undefined },
      });
      let [checked, outside, mixed] = [0, 0, 0];
      for (let step = 0; step < 8; step++) {
        const { images, labels, names } = await loader.batch(step);
        expect(images.shape).toEqual([6, height, width, 3]);
        expect(labels.shape).toEqual([6, height, width]);
        names.forEach((name, image) => {
          if (name === 'gray.jpg') return;
          const size = height * width;
          const own = labels.data.subarray(image * size, (image + 1) * size);
          if (own.includes(0) && own.includes(1)) mixed += 1;
          own.forEach((label, i) => {
            const [red, green] = [0, 1].map((c) => {
              const { mean, std } = IMAGENET_NORMALIZATION;
              return images.data[(image * size + i) * 3 + c]! * std[c]! + mean[c]!;
            }) as [number, number];
            if (images.data[(image * size + i) * 3] === 0) {
              outside += 1;
              expect(label).toBe(255);
            } else if (label !== 255 && Math.abs(red - green) > 0.6) {
              checked += 1;
              expect(label).toBe(red > green ? 0 : 1);
            }
          });
        });
      }
      expect(checked).toBeGreaterThan(5000);
      expect(outside).toBeGreaterThan(1000);
      // Of one class alone are only crops that have no other choice.
      expect(mixed).toBeGreaterThan(30);
      expect(loader.unreadable()).toEqual([]);
      await loader.close();
    },
  );

  test('what the numbers of masks mean changes classes, and no pixel of an image', async () => {
    await writeFolder();
    const batches = [];
    for (const labels of ['ade20k', 'from-zero'] as const) {
      const loader = createCropLoader(await optionsOf({ annotation: { numClasses: CLASSES, labels } }));
      batches.push(await loader.batch(0));
      await loader.close();
    }
    const [reduced, whole] = batches as [(typeof batches)[0], (typeof batches)[0]];
    expect(reduced!.images.data).toEqual(whole!.images.data);
    expect([...reduced!.labels.data]).toEqual(
      [...whole!.labels.data].map((label) => (label === 0 || label === 255 ? 255 : label - 1)),
    );
    expect(new Set(reduced!.labels.data)).toEqual(new Set([0, 1, 255]));
  });

  test.each([
    [{ crops: { cropSize: 0 } }, /crops\.cropSize is 0/],
    [{ crops: { cropSize: 8.5 } }, /crops\.cropSize is 8\.5/],
    [{ crops: { scale: [64, 0] } }, /crops\.scale\[1\] is 0/],
    [{ crops: { ratio: [2, 0.5] } }, /crops\.ratio is \[2,0\.5\]; expected two numbers above 0/],
    [{ crops: { flip: 2 } }, /crops\.flip is 2; expected a number from 0 to 1/],
    [{ crops: { categoryMaxRatio: Number.NaN } }, /crops\.categoryMaxRatio is NaN/],
    [
      { crops: { normalization: { mean: [0, 0, 0], std: [1, 0, 1] } } },
      /crops\.normalization is .*expected a mean and a std above 0/,
    ],
    [{ annotation: { numClasses: 1, labels: 'ade20k' } }, /numClasses is 1/],
  ] as const)('options that are out of range are refused at once: %j', async ({ ...wrong }, message) => {
    await writeFolder();
    const options = await optionsOf({});
    const crops = { ...options.crops, ...('crops' in wrong && wrong.crops) };
    expect(() => createCropLoader({ ...options, ...wrong, crops } as CropLoaderOptions)).toThrow(message);
    const source = { ...options.source, annotations: [] };
    expect(() => createCropLoader({ ...options, source })).toThrow(/and 0 annotations; expected as many/);
  });

  test('are the same bits with any number of workers', async () => {
    await writeFolder();
    const bytes: number[][] = [];
    for (const workers of [0, 2]) {
      const loader = createCropLoader(await optionsOf({ workers }));
      loader.release(await loader.batch(4));
      const { images, labels } = await loader.batch(5);
      bytes.push([...new Uint8Array(images.data.buffer), ...labels.data]);
      await loader.close();
    }
    expect(bytes[1]).toEqual(bytes[0]);
  });

  test('the names of a data set that has many go to worker threads, too', async () => {
    await writeFolder();
    const options = await optionsOf({ workers: 1 });
    const { images, annotations } = options.source;
    const names = Array.from({ length: 10_000 }, (_, i) => images.names.at(i % images.names.length)!);
    const source: SegmentationSource = {
      ...options.source,
      images: { ...images, names: compactNames(names) },
      annotations: names.map((_, i) => annotations[i % annotations.length]!),
    };
    const loader = createCropLoader({ ...options, source });
    expect((await loader.batch(0)).names).toEqual(loader.namesOf(0));
    await loader.close();
  });

  test('a file that cannot be read is replaced and named', async () => {
    await writeFolder();
    await write('images/training/plain.jpg', 'no picture');
    await write('annotations/training/gray.png', await gray(3, 3, new Uint8Array(9)).png().toBuffer());
    await write('annotations/training/cmyk.png', await gray(1, 1, [9]).png().toBuffer());
    const loader = createCropLoader(await optionsOf());
    for (let step = 0; step < 4; step++) expect((await loader.batch(step)).names).not.toContain('plain.jpg');
    const reasons = Object.fromEntries(loader.unreadable().map(({ name, reason }) => [name, reason]));
    expect(Object.keys(reasons).sort()).toEqual(['cmyk.jpg', 'gray.jpg', 'plain.jpg']);
    expect(reasons['cmyk.jpg']).toMatch("its mask 'cmyk.png': the pixel in column 0, row 0 is 9");
    expect(reasons['gray.jpg']).toBe("the image has 40x31 pixels, its annotation 'gray.png' 3x3");
    await loader.close();
  });
});

test('whole images for evaluation, at several sizes', async () => {
  await writeFolder();
  const { validation } = await segmentationFolder(folder);
  const options = {
    normalization: IMAGENET_NORMALIZATION,
    annotation,
    scale: [80, 40],
    ratios: [1, 0.5],
  } as const;
  const plain = await readLabelled(validation, 0, options);
  expect([plain.width, plain.height, plain.pixels.length]).toEqual([20, 20, 1200]);
  expect(plain.images.map(({ width, height }) => [width, height])).toEqual([
    [40, 40],
    [20, 20],
  ]);
  expect(plain.images[0]!.data.length).toBe(40 * 40 * 3);
  expect([...plain.labels.subarray(20, 40)]).toEqual([...new Array(10).fill(0), ...new Array(10).fill(1)]);
  const stored = await readLabelled(validation, 1, { ...options, scale: undefined });
  expect([stored.width, stored.height]).toEqual([30, 50]);
  const squeezed = await readLabelled(validation, 1, { ...options, framing: stretchFraming(12) });
  expect(squeezed.images.map(({ width, height }) => [width, height])).toEqual([[12, 12]]);
  expect([squeezed.width, squeezed.height, squeezed.labels.length]).toEqual([30, 50, 1500]);
});

test("ADE20K's scale: 512 on the shorter side, unless the longer one is over 2048 then", () => {
  expect(scaleFactor(683, 512, ADE20K_SCALE)).toBe(1);
  expect(scaleFactor(256, 1024, ADE20K_SCALE)).toBe(2);
  expect(scaleFactor(100, 1000, ADE20K_SCALE)).toBe(2.048);
});

test('emoji scenes: true masks of several objects, the same ones every time', async () => {
  const write = async (name: string) => {
    const directory = join(folder, name);
    const classes = await writeEmojiScenes(directory, { training: 3, validation: 1 });
    const found = await segmentationFolder(directory);
    expect(found.classes).toEqual(classes);
    const read = (source: SegmentationSource) =>
      Promise.all(
        Array.from(source.images.names, (_, i) =>
          readLabelled(source, i, {
            normalization: IMAGENET_NORMALIZATION,
            annotation: { numClasses: classes.length, labels: 'ade20k' },
          }),
        ),
      );
    return { classes, scenes: [...(await read(found.training)), ...(await read(found.validation))] };
  };
  const { classes, scenes } = await write('once');
  expect(classes[0]).toBe('background');
  expect(classes).toContain('animals & nature');
  expect(scenes.map(({ width, height }) => [width, height])).toEqual(new Array(4).fill([128, 96]));
  for (const { labels } of scenes) {
    const present = new Set(labels);
    expect(present.has(0)).toBe(true);
    expect(present.size).toBeGreaterThan(1);
    expect(present.has(255)).toBe(false);
  }
  const { scene } = await emojiScenes();
  const first = await scene('validation', 0);
  const written = scenes[3]!;
  expect(first.labels).toEqual(written.labels);
  // A pixel is of an object where it is of a class, and an object is of one class.
  const classesOf = new Map<number, Set<number>>();
  first.objects.forEach((object, i) => {
    classesOf.set(object, (classesOf.get(object) ?? new Set()).add(first.labels[i]!));
  });
  expect(classesOf.get(0)).toEqual(new Set([0]));
  expect(classesOf.size).toBeGreaterThan(1);
  for (const [object, own] of classesOf) expect([object === 0, own.size]).toEqual([own.has(0), 1]);
  const again = await write('twice');
  scenes.forEach(({ pixels, labels }, i) => {
    expect(Buffer.compare(again.scenes[i]!.pixels, pixels)).toBe(0);
    expect(again.scenes[i]!.labels).toEqual(labels);
  });
});

describe('photometric distortion', () => {
  test('with all ranges closed nothing changes', () => {
    const pixels = Uint8Array.from({ length: 4000 }, (_, i) => (i * 37) % 256);
    const before = pixels.slice();
    for (let seed = 0; seed < 20; seed++) {
      const none = { brightness: 0, contrast: [1, 1], saturation: [1, 1], hue: 0 } as const;
      distortColors(pixels, none, createRandom(seed));
    }
    expect(pixels).toEqual(before);
  });

  test('a full turn of the hue is no change, a third changes the channels', () => {
    const turned = (degrees: number) => {
      const pixels = Uint8Array.of(200, 40, 90, 7);
      // Any random number: the hue is turned by this much and nothing else changes.
      const random = { uniform: (from = 0, to = 1) => (to === 1 ? 0 : from === -degrees ? degrees : from) };
      const only = { brightness: 0, contrast: [1, 1], saturation: [1, 1], hue: degrees } as const;
      distortColors(pixels, only, random);
      return [...pixels];
    };
    expect(turned(360)).toEqual([200, 40, 90, 7]);
    expect(turned(120)).toEqual([90, 200, 40, 7]);
  });
});
