import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import {
  type Batch,
  BEIT_COLOR_JITTER,
  BEIT_CROP,
  createLoader,
  emojiDataset,
  INCEPTION_NORMALIZATION,
  imageFolder,
  type LoaderOptions,
} from '../src';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beit-data-'));
  await mkdir(join(folder, 'cats/indoors'), { recursive: true });
  await mkdir(join(folder, 'dogs'), { recursive: true });
  for (let i = 0; i < 11; i++) {
    const background = { r: (i * 20) % 256, g: 255 - i * 20, b: (i * 70) % 256 };
    const image = sharp({ create: { width: 30 + i, height: 40, channels: 3, background } });
    await image.toFile(join(folder, i % 2 ? 'dogs' : 'cats/indoors', `${i}.${i % 3 ? 'png' : 'jpg'}`));
  }
  await writeFile(join(folder, 'dogs/notes.txt'), 'no image');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const options = async (change: Partial<LoaderOptions> = {}): Promise<LoaderOptions> => ({
  source: await imageFolder(folder),
  batchSize: 4,
  seed: 5,
  workers: 0,
  views: {
    imageSize: 16,
    tokenImageSize: 8,
    normalization: INCEPTION_NORMALIZATION,
    background: 'white',
    augmentation: { crop: BEIT_CROP, colorJitter: BEIT_COLOR_JITTER, flip: 0.5 },
  },
  masking: { kind: 'blockwise', gridSize: 4, numMaskingPatches: 6, minNumPatches: 2 },
  ...change,
});
async function batches(steps: readonly number[], change?: Partial<LoaderOptions>): Promise<Batch[]> {
  const loader = createLoader(await options(change));
  const result: Batch[] = [];
  for (const step of steps) result.push(await loader.batch(step));
  await loader.close();
  return result;
}

describe('batches that several processes share', () => {
  test('are the same batches, whatever the shares and the parts', async () => {
    const steps = [0, 1, 2, 3, 4];
    const whole = await batches(steps);
    for (const [count, parts] of [
      [1, 2],
      [2, 1],
      [2, 2],
      [4, 1],
    ] as const) {
      const shares = await Promise.all(
        Array.from({ length: count }, (_, index) =>
          batches(
            steps.flatMap((step) => Array.from({ length: parts }, (_, part) => step * parts + part)),
            { share: { index, count }, parts },
          ),
        ),
      );
      for (const step of steps) {
        const own = shares.flatMap((share) => share.slice(step * parts, (step + 1) * parts));
        expect(own.flatMap(({ names }) => names)).toEqual(whole[step]!.names);
        expect(own.flatMap(({ masks }) => masks)).toEqual(whole[step]!.masks);
        expect(own.flatMap(({ images }) => [...images.data])).toEqual([...whole[step]!.images.data]);
      }
    }
  });

  test('must be divisible', async () => {
    const loader = async (change: Partial<LoaderOptions>) => createLoader(await options(change));
    await expect(loader({ share: { index: 0, count: 3 } })).rejects.toThrow(
      'A batch of 4 does not come in 3 equal shares of 1 equal parts.',
    );
    await expect(loader({ share: { index: 2, count: 2 } })).rejects.toThrow(
      /share.count is 2; expected .* at least 3/,
    );
    await expect(loader({ parts: 0 })).rejects.toThrow(/parts is 0/);
  });
});

describe('a batch that is given back', () => {
  const copied = ({ images, tokenImages, opacity, names, masks }: Batch) =>
    structuredClone({ images, tokenImages, opacity, names, masks });

  test.each([0, 1, 2, 3])('changes nothing of later ones, %d workers', async (workers) => {
    const steps = [0, 1, 2, 3, 4, 5, 6, 7];
    const kept = await batches(steps, { workers: 0 });
    const loader = createLoader(await options({ workers }));
    const held: Batch[] = [];
    for (const step of steps) {
      const batch = await loader.batch(step);
      expect(copied(batch)).toEqual(copied(kept[step]!));
      // Others are kept and stay what they are.
      if (step % 3 === 2) held.push(batch);
      else loader.release(batch);
    }
    expect(held.map(copied)).toEqual([2, 5].map((step) => copied(kept[step]!)));
    await loader.close();
  });

  test.each([0, 2])('is the memory of a later one, once, %d workers', async (workers) => {
    const [loader, other] = [
      createLoader(await options({ workers, prefetch: 0 })),
      createLoader(await options()),
    ];
    const first = await loader.batch(0);
    const memory = first.images.data;
    other.release(first);
    loader.release(first);
    loader.release(first);
    const [second, third] = [await loader.batch(1), await loader.batch(2)];
    expect(second.images.data.buffer).toBe(memory.buffer);
    expect(third.images.data.buffer).not.toBe(memory.buffer);
    expect((await other.batch(1)).images.data.buffer).not.toBe(memory.buffer);
    await loader.close();
  });
});

describe('a folder of images', () => {
  test('is read at any depth, sorted, without what is no image', async () => {
    const { names } = await imageFolder(folder);
    expect(names).toHaveLength(11);
    expect(names.at(0)).toBe('cats/indoors/0.jpg');
    expect(names).not.toContain('dogs/notes.txt');
  });
  test('with a link in a circle ends', async () => {
    const looped = await mkdtemp(join(folder, '..', 'beit-loop-'));
    await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
      .png()
      .toFile(join(looped, 'a.png'));
    await symlink(looped, join(looped, 'again'));
    expect((await imageFolder(looped)).names).toEqual(['a.png']);
    await rm(looped, { recursive: true });
  });
  test('that is missing, a file or without images is an error that says so', async () => {
    await expect(imageFolder(join(folder, 'birds'))).rejects.toThrow(/There is no folder '.*birds'/);
    await expect(imageFolder(join(folder, 'dogs/notes.txt'))).rejects.toThrow(
      /notes.txt' is a file; expected a folder/,
    );
    const empty = await mkdtemp(join(folder, '..', 'beit-empty-'));
    await writeFile(join(empty, 'readme.txt'), '');
    await expect(imageFolder(empty)).rejects.toThrow(
      /holds no images: looked at any depth for .jpg .* 1 file was passed over .*: 1 \.txt/,
    );
    await rm(empty, { recursive: true });
  });
});

describe('batches', () => {
  test('are the same bit for bit with any number of workers, in any order, after any start', async () => {
    const here = await batches([0, 1, 2, 3]);
    for (const workers of [1, 2]) expect(await batches([0, 1, 2, 3], { workers })).toEqual(here);
    expect((await batches([3, 1]))[0]).toEqual(here[3]);
    expect((await batches([2], { workers: 2 }))[0]).toEqual(here[2]);
  });
  test('have the shapes that they say, and masks within the target', async () => {
    const [batch] = await batches([0]);
    expect(batch!.images.shape).toEqual([4, 16, 16, 3]);
    expect(batch!.tokenImages.shape).toEqual([4, 8, 8, 3]);
    expect(batch!.masked.positions.shape).toEqual([4, 6]);
    batch!.masks.forEach((mask, i) => {
      const count = mask.reduce((a, b) => a + b, 0);
      expect(count).toBeGreaterThan(0);
      expect(
        (batch!.masked.weights.data as Float32Array).subarray(6 * i, 6 * i + 6).reduce((a, b) => a + b, 0),
      ).toBe(count);
    });
  });
  test('of an epoch hold no image twice; another epoch has another order and other crops', async () => {
    const all = await batches([0, 1, 2, 3]);
    const names = (from: number) => all.slice(from, from + 2).flatMap((b) => b.names);
    expect(new Set(names(0)).size).toBe(8);
    expect(names(0)).not.toEqual(names(2));
    const [a, b] = await batches([0, 2], { shuffle: false });
    expect(a!.names).toEqual(b!.names);
    expect(a!.images.data).not.toEqual(b!.images.data);
  });
  test('bring every image when the last one is filled up', async () => {
    const options = { shuffle: false, dropLast: false };
    const all = await batches([0, 1, 2, 3], options);
    const names = all.map((batch) => batch.names);
    expect(new Set(names.slice(0, 3).flat()).size).toBe(11);
    expect(names[2]![3]).toBe(names[0]![0]);
    expect(names[3]).toEqual(names[0]);
  });
  test('with repetitions hold each image several times in a row, augmented otherwise each time', async () => {
    const once = await batches([0, 1]);
    const [batch, next] = await batches([0, 1], { repeats: 3, workers: 2 });
    const [a, b] = once[0]!.names;
    expect(batch!.names).toEqual([a, a, a, b]);
    expect(batch!.indices).toEqual(
      batch!.names.map((name) => once[0]!.indices[once[0]!.names.indexOf(name)]),
    );
    expect(next!.names.slice(0, 2)).toEqual([b, b]);
    const image = ({ images }: Batch, i: number) => images.data.slice(i * 16 * 16 * 3, (i + 1) * 16 * 16 * 3);
    expect(image(batch!, 0)).toEqual(image(once[0]!, 0));
    expect(image(batch!, 1)).not.toEqual(image(batch!, 0));
    expect(image(batch!, 1)).not.toEqual(image(batch!, 2));
  });
  test('with random masking hide exactly as many patches as asked', async () => {
    const [batch] = await batches([0], { masking: { kind: 'random', gridSize: 4, numMaskingPatches: 6 } });
    for (const mask of batch!.masks) expect(mask.reduce((a, b) => a + b, 0)).toBe(6);
  });
});

describe('bad files', () => {
  let mixed: string;
  beforeAll(async () => {
    mixed = await mkdtemp(join(tmpdir(), 'beit-bad-'));
    for (let i = 0; i < 6; i++)
      await sharp({ create: { width: 20, height: 20, channels: 3, background: { r: 40 * i, g: 0, b: 0 } } })
        .png()
        .toFile(join(mixed, `${i}.png`));
    await writeFile(join(mixed, 'text.png'), 'no picture');
    const jpeg = await sharp({ create: { width: 200, height: 200, channels: 3, background: 'blue' } })
      .jpeg()
      .toBuffer();
    await writeFile(join(mixed, 'cut.jpg'), jpeg.subarray(0, 100));
    // A PNG header that claims 60,000 x 60,000 pixels.
    const png = await sharp({ create: { width: 1, height: 1, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    png.writeUInt32BE(60_000, 16);
    png.writeUInt32BE(60_000, 20);
    await writeFile(join(mixed, 'huge.png'), png);
  });
  afterAll(() => rm(mixed, { recursive: true, force: true }));

  test.each([0, 1])('are replaced, the same way every time, and named (%d workers)', async (workers) => {
    const loader = createLoader(await options({ source: await imageFolder(mixed), batchSize: 9, workers }));
    const batch = await loader.batch(0);
    expect(batch.names).toHaveLength(9);
    expect(batch.names).not.toContain('text.png');
    expect(
      loader
        .unreadable()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['cut.jpg', 'huge.png', 'text.png']);
    for (const { reason } of loader.unreadable()) expect(reason).not.toBe('');
    await loader.close();
    expect((await batches([0], { source: await imageFolder(mixed), batchSize: 9 }))[0]).toEqual(batch);
  });
  test('alone are an error, not a hang', async () => {
    const source = { ...(await imageFolder(mixed)), names: ['text.png', 'cut.jpg'] };
    for (const workers of [0, 2]) {
      await expect(batches([0], { source, batchSize: 2, workers })).rejects.toThrow(
        /images in a row could not be read; the first was/,
      );
    }
  });
});

test('options out of range are errors that name them', async () => {
  const source = await imageFolder(folder);
  const make = (change: Partial<LoaderOptions>) => async () =>
    createLoader(await options({ source, ...change }));
  await expect(make({ batchSize: 0 })()).rejects.toThrow('batchSize is 0');
  await expect(make({ workers: -1 })()).rejects.toThrow('workers is -1');
  await expect(make({ batchSize: 12 })()).rejects.toThrow('There are 11 images, fewer than one batch of 12');
  const { views } = await options({ source });
  const std = [0, 1, 1] as const;
  for (const [change, message] of [
    [{ views: { ...views, imageSize: 32.5 } }, 'views.imageSize is 32.5; expected an integer of at least 1'],
    [{ views: { ...views, normalization: { mean: [0, 0, 0], std } } }, 'a std above 0 for each colour'],
    [{ masking: { kind: 'random', gridSize: 7, numMaskingPatches: 3 } }, 'masking.gridSize is 7; images of'],
    [{ masking: { kind: 'blokwise' as 'random', gridSize: 4, numMaskingPatches: 3 } }, "kind is 'blokwise'"],
  ] satisfies [Partial<LoaderOptions>, string][])
    await expect(make(change)()).rejects.toThrow(message);
});

test('the embedded emoji: all there, named, split by base emoji', async () => {
  const [train, heldOut] = [
    await emojiDataset({ split: 'train', size: 8 }),
    await emojiDataset({ split: 'heldOut', size: 8 }),
  ];
  expect([train.emoji.length, heldOut.emoji.length]).toEqual([3098, 293]);
  const bases = new Set(train.emoji.map(({ base }) => base));
  expect(heldOut.emoji.filter(({ base }) => bases.has(base))).toEqual([]);
  expect(train.emoji.find(({ id }) => id === '1f44d-1f3fc')).toEqual({
    id: '1f44d-1f3fc',
    base: '1f44d',
    name: 'thumbs up',
    group: 'people & body',
    subgroup: 'fingers closed',
  });
  const pixels = new Uint8Array(heldOut.source.pixels);
  expect(pixels.length).toBe(293 * 8 * 8 * 4);
  expect(pixels.some((x) => x > 0)).toBe(true);
});
