import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  classFolder,
  createLoader,
  formatShardIndex,
  type ImageSource,
  INCEPTION_NORMALIZATION,
  imageFolder,
  isShards,
  openShards,
  readPixels,
  subset,
  verifyShards,
  writeShards,
} from '../../src';
import { expandBraces } from '../../src/shards/findShards';
import { parseShardIndex } from '../../src/shards/shardIndex';
import { shardOrder } from '../../src/shards/shardOrder';
import { colorOf, writeImages } from './writeImages';

const names = Array.from({ length: 23 }, (_, i) => `${i % 2 ? 'dog' : 'cat'}/${i}.png`);
let folder: string;
let images: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beit-shards-'));
  images = join(folder, 'images');
  await writeImages(images, names);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const pack = (directory: string, change: { imagesPerShard?: number; seed?: number } = {}) =>
  writeShards({
    directory,
    prefix: 'train',
    from: images,
    names,
    labels: names.map((name) => (name.startsWith('dog') ? 1 : 0)),
    imagesPerShard: 5,
    ...change,
  });

const loaderOf = (source: ImageSource, change = {}) =>
  createLoader({
    source,
    batchSize: 4,
    seed: 3,
    workers: 0,
    views: { imageSize: 8, tokenImageSize: 4, normalization: INCEPTION_NORMALIZATION, background: 'white' },
    ...change,
  });

const colorAt = async (source: ImageSource, index: number) => [
  ...(await readPixels(source, index)).data.subarray(0, 3),
];

describe('writeShards', () => {
  test('packs every image once, with its class, in an order that the seed decides', async () => {
    const shards = await pack(join(folder, 'packed'));
    expect(shards.map(({ samples }) => samples)).toEqual([5, 5, 5, 5, 3]);
    const { train } = await openShards(join(folder, 'packed'));
    expect(train.source.names.at(6)).toBe('train-000001.tar/1');
    const known = new Map(names.map((_, i) => [colorOf(i).join(), i]));
    const found: number[] = [];
    for (let i = 0; i < names.length; i++) {
      const image = known.get((await colorAt(train.source, i)).join())!;
      expect(train.labels![i]).toBe(image % 2);
      found.push(image);
    }
    expect(found).not.toEqual([...found].sort((a, b) => a - b));
    expect(found.sort((a, b) => a - b)).toEqual(names.map((_, i) => i));

    const again = await pack(join(folder, 'again'));
    expect(again.map(({ checksum }) => checksum)).toEqual(shards.map(({ checksum }) => checksum));
    const other = await pack(join(folder, 'other'), { seed: 1 });
    expect(other[0]!.checksum).not.toEqual(shards[0]!.checksum);
  });

  test('goes on where it was interrupted, and leaves no half a shard', async () => {
    const directory = join(folder, 'interrupted');
    const controller = new AbortController();
    const options = { directory, prefix: 'train', from: images, names, imagesPerShard: 5 };
    const run = writeShards({
      ...options,
      signal: controller.signal,
      onProgress: (done) => {
        if (done === 12) controller.abort(new Error('stopped'));
      },
    });
    await expect(run).rejects.toThrow('stopped');
    expect((await readdir(directory)).sort()).toEqual(['train-000000.tar', 'train-000001.tar']);
    const before = (await stat(join(directory, 'train-000000.tar'))).mtimeMs;
    const shards = await writeShards(options);
    expect(shards).toHaveLength(5);
    expect((await stat(join(directory, 'train-000000.tar'))).mtimeMs).toBe(before);
    const whole = await writeShards({ ...options, directory: join(folder, 'whole') });
    expect(shards.map(({ checksum }) => checksum)).toEqual(whole.map(({ checksum }) => checksum));
  });

  test('does not take shards of other images for its own', async () => {
    const directory = join(folder, 'taken');
    await pack(directory);
    await expect(pack(directory, { seed: 1 })).rejects.toThrow(
      /train-000000\.tar' is there already and has other images/,
    );
  });

  test('keeps images apart whose keys would be the same', async () => {
    const from = join(folder, 'alike');
    await writeImages(from, ['a.b.png', 'a_b.png', 'a.b.jpg', 'c/a.png']);
    const [shard] = await writeShards({
      directory: join(folder, 'alike-packed'),
      prefix: 'images',
      from,
      names: (await imageFolder(from)).names,
    });
    expect(shard!.samples).toBe(4);
  });
});

describe('verifyShards', () => {
  test('finds what is changed, cut off or gone', async () => {
    const shards = await pack(join(folder, 'verified'));
    expect(await verifyShards(shards)).toEqual([]);
    await truncate(shards[0]!.location, 2048);
    const bytes = await readFile(shards[1]!.location);
    bytes[600]! ^= 1;
    await writeFile(shards[1]!.location, bytes);
    await rm(shards[2]!.location);
    const faults = await verifyShards(shards);
    expect(faults).toHaveLength(3);
    expect(faults[0]).toMatch(/has 2048 bytes; the index says \d+/);
    expect(faults[1]).toMatch(/has the sha256 [0-9a-f]{64}; the index says/);
    expect(faults[2]).toMatch(/ENOENT/);
  });
});

describe('openShards', () => {
  test('takes a folder, a pattern or an index, and finds the parts by their names', async () => {
    const directory = join(folder, 'parts');
    const train = await pack(directory);
    const validation = await writeShards({
      directory: join(directory, 'val'),
      prefix: 'images',
      from: images,
      names: names.slice(0, 4),
    });
    const text = formatShardIndex(
      { classes: ['cat', 'dog'], shards: [...train, ...validation] },
      ({ location }) => location.slice(directory.length + 1),
    );
    for (const location of [
      directory,
      `${directory}/train-{000000..000004}.tar::${directory}/val/images-000000.tar`,
    ]) {
      const opened = await openShards(location);
      expect(opened.train.source.names).toHaveLength(23);
      expect(opened.validation!.source.names).toHaveLength(4);
      expect(opened.validation!.labels).toBeUndefined();
      expect(opened.classes).toBeUndefined();
    }
    await writeFile(join(directory, 'index.json'), text);
    const scanned = await openShards(`${directory}/train-{000000..000004}.tar`);
    for (const location of [directory, join(directory, 'index.json')]) {
      const opened = await openShards(location);
      expect(opened.classes).toEqual(['cat', 'dog']);
      expect(opened.train.labels).toEqual(scanned.train.labels);
      expect(opened.train.source.shards[0]).toMatchObject({
        location: train[0]!.location,
        checksum: train[0]!.checksum,
      });
    }
  });

  test('a folder of shards is one, a folder of images is none', async () => {
    const directory = join(folder, 'kinds');
    await pack(directory);
    expect(await isShards(directory)).toBe(true);
    expect(await isShards(images)).toBe(false);
    const notes = join(folder, 'notes');
    await writeImages(notes, ['a.png']);
    await writeFile(join(notes, 'index.json'), '{}');
    expect(await isShards(notes)).toBe(false);
    expect(await isShards('https://example.org/train-{000..123}.tar')).toBe(true);
    expect(await isShards(join(folder, 'absent'))).toBe(false);
  });

  test('says what is missing', async () => {
    await expect(openShards('https://localhost/a.tar')).rejects.toThrow('an index must say');
    await expect(openShards(join(folder, 'absent.tar'))).rejects.toThrow("There is no '");
    await expect(openShards(`${folder}/{a,b}.tar`)).rejects.toThrow(
      'expected a range of numbers, such as {000..123}',
    );
    await writeFile(join(folder, 'a.zip'), '');
    await expect(openShards(join(folder, 'a.zip'))).rejects.toThrow('neither a .tar nor a .parquet file');
    const only = join(folder, 'only');
    await mkdir(only);
    const [shard] = await writeShards({
      directory: only,
      prefix: 'val',
      from: images,
      names: names.slice(0, 2),
    });
    await expect(openShards(only)).rejects.toThrow('all for validation or test');
    await rename(shard!.location, join(only, 'train-0.tar'));
    await expect(openShards(only, { window: 0 })).rejects.toThrow('window is 0');
  });

  test('does not take an index that is none', () => {
    const parse = (value: unknown, location = 'https://example.org/sets/index.json') =>
      parseShardIndex(typeof value === 'string' ? value : JSON.stringify(value), location);
    const head = { __kind__: 'wids-shard-index-v1', wids_version: 1 };
    expect(() => parse('{')).toThrow("'https://example.org/sets/index.json' is no index of shards");
    expect(() => parse({ ...head, __kind__: 'other' })).toThrow('__kind__');
    expect(() => parse({ ...head, shardlist: [] })).toThrow('shardlist');
    expect(() => parse({ ...head, shardlist: [{ url: 'a.tar', nsamples: -1 }] })).toThrow(
      'shardlist.0.nsamples',
    );
    expect(() => parse({ ...head, shardlist: [{ url: 'a.zip', nsamples: 1 }] })).toThrow(
      "shardlist.0.url is 'a.zip'",
    );
    expect(() => parse({ ...head, shardlist: [{ url: 'a.tar', nsamples: 2, labels: [1] }] })).toThrow(
      '2 samples and 1 labels',
    );
    expect(() => parse({ ...head, shardlist: [{ url: 'file:///etc/a.tar', nsamples: 1 }] })).toThrow(
      'no http(s) address',
    );
    // As WebDataset's own tools write it.
    const { shards } = parse({
      ...head,
      shardlist: [{ url: 'a.tar', nsamples: 1, md5sum: 'AB', filesize: 1536 }],
    });
    expect(shards).toEqual([
      {
        kind: 'tar',
        location: 'https://example.org/sets/a.tar',
        samples: 1,
        bytes: 1536,
        checksum: { algorithm: 'md5', value: 'ab' },
      },
    ]);
  });

  test('does not believe in more samples than a shard has room for', async () => {
    const indexOf = (...shardlist: object[]) =>
      JSON.stringify({ __kind__: 'wids-shard-index-v1', wids_version: 1, shardlist });
    const parse =
      (...shardlist: object[]) =>
      () =>
        parseShardIndex(indexOf(...shardlist), '/sets/index.json');
    for (const nsamples of [2e8, 3e9, Number.MAX_SAFE_INTEGER]) {
      expect(parse({ url: 'a.tar', nsamples })).toThrow(
        `shardlist.0 has ${nsamples} samples; expected at most 1000000 where no filesize is given`,
      );
      expect(parse({ url: 'a.parquet', nsamples, filesize: 1e6 })).toThrow(
        `${nsamples} samples; expected at most 1000000 in its 1000000 bytes`,
      );
    }
    expect(parse({ url: 'a.tar', nsamples: 3, filesize: 1535 })).toThrow('expected at most 2 in its 1535');
    const many = Array.from({ length: 51 }, (_, i) => ({ url: `${i}.tar`, nsamples: 1e6 }));
    expect(parse(...many)).toThrow('it has 51000000 images in all; expected at most 50000000');

    const location = join(folder, 'claims');
    await mkdir(location);
    await writeShards({ directory: location, prefix: 'a', from: images, names: names.slice(0, 2) });
    await writeFile(
      join(location, 'index.json'),
      indexOf({ url: 'a-000000.tar', nsamples: 4e7, filesize: 1e15 }),
    );
    await expect(openShards(location)).rejects.toThrow(/has \d+ bytes, and its index says 40000000 samples/);
  });

  test('expands ranges of numbers', () => {
    expect(expandBraces('a-{08..10}-of-{1..2}.tar')).toEqual(
      ['08', '09', '10'].flatMap((i) => [1, 2].map((j) => `a-${i}-of-${j}.tar`)),
    );
    expect(() => expandBraces('{5..3}.tar')).toThrow('are -1 numbers');
    expect(() => expandBraces('{0..9999999}.tar')).toThrow('expected 1 to 1000000');
  });
});

describe('the order of an epoch', () => {
  const shardOf = fc
    .array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 })
    .map((sizes) => sizes.flatMap((size, shard) => Array<number>(size).fill(shard)));
  const options = fc.record({
    seed: fc.nat(),
    epoch: fc.nat(100),
    window: fc.integer({ min: 1, max: 5 }),
    shuffle: fc.boolean(),
  });

  test('has every image once, window by window, the shards of a window together', () => {
    fc.assert(
      fc.property(shardOf, options, (shards, choice) => {
        const { indices, windows } = shardOrder(shards, choice);
        expect([...indices].sort((a, b) => a - b)).toEqual(shards.map((_, i) => i));
        if (!choice.shuffle) expect([...indices]).toEqual(shards.map((_, i) => i));
        expect(windows.at(-1)!.end).toBe(shards.length);
        let start = 0;
        for (const { end, shards: own } of windows) {
          expect(own.length).toBeLessThanOrEqual(choice.window);
          expect(new Set([...indices.subarray(start, end)].map((i) => shards[i]))).toEqual(new Set(own));
          start = end;
        }
        expect(shardOrder(shards, choice)).toEqual({ indices, windows });
      }),
    );
  });

  test('mixes: every image comes everywhere in a window, and shards meet other ones', () => {
    const shards = Array.from({ length: 40 }, (_, i) => Math.floor(i / 5));
    const firsts = new Set<number>();
    const companions = new Set<string>();
    for (let epoch = 0; epoch < 400; epoch++) {
      const { indices, windows } = shardOrder(shards, { seed: 0, epoch, window: 2, shuffle: true });
      firsts.add(indices[0]!);
      companions.add([...windows[0]!.shards].sort().join());
    }
    expect(firsts.size).toBe(40);
    expect(companions.size).toBe(28);
  });
});

describe('a loader of shards', () => {
  test('gives the same batches with any number of workers, in any order, and every image once', async () => {
    const directory = join(folder, 'loader');
    await pack(directory);
    const { train } = await openShards(directory, { window: 2 });
    const batchesOf = async (steps: readonly number[], change = {}) => {
      const loader = loaderOf(train.source, change);
      const batches = [];
      for (const step of steps) batches[step] = await loader.batch(step);
      await loader.close();
      return batches;
    };
    const batches = await batchesOf([0, 1, 2, 3, 4, 5, 6]);
    expect(await batchesOf([6, 3, 0, 5, 2, 1, 4])).toEqual(batches);
    expect(await batchesOf([0, 1, 2, 3, 4, 5, 6], { workers: 2 })).toEqual(batches);
    const epoch = batches.slice(0, 5).flatMap(({ indices }) => indices);
    expect(new Set(epoch).size).toBe(20);
    // Two shards at a time.
    expect(new Set(epoch.slice(0, 10).map((i) => train.source.shardOf[i])).size).toBe(2);
  });

  test('gives what a folder of the same images gives', async () => {
    const { train } = await openShards(join(folder, 'loader'));
    const known = new Map(names.map((_, i) => [colorOf(i).join(), i]));
    const order: number[] = [];
    for (let i = 0; i < names.length; i++) order.push(known.get((await colorAt(train.source, i)).join())!);
    const byFolder = subset({ kind: 'folder', directory: images, names }, order);
    const [a, b] = [loaderOf(train.source, { shuffle: false }), loaderOf(byFolder, { shuffle: false })];
    for (let step = 0; step < 5; step++) {
      const { names: _, ...shards } = await a.batch(step);
      const { names: __, ...files } = await b.batch(step);
      expect(shards).toEqual(files);
    }
  });

  test('takes another image of the shard for one that is none, and ends for a shard that is damaged', async () => {
    const from = join(folder, 'mixed');
    await writeImages(from, ['a.png', 'b.png', 'c.png']);
    await writeFile(join(from, 'd.png'), 'no image');
    const { names: mixed } = await imageFolder(from);
    const directory = join(folder, 'mixed-packed');
    const [shard] = await writeShards({ directory, prefix: 'train', from, names: mixed, seed: 4 });
    const { train } = await openShards(directory);
    const loader = loaderOf(train.source);
    const { indices } = await loader.batch(0);
    expect(indices).toHaveLength(4);
    expect(new Set(indices).size).toBe(3);
    expect(loader.unreadable()).toEqual([
      expect.objectContaining({ name: expect.stringMatching(/^train-000000.tar\/\d$/) }),
    ]);

    const copy = join(folder, 'damaged.tar');
    await writeFile(copy, await readFile(shard!.location));
    const { train: damaged } = await openShards(copy);
    await truncate(copy, 1000);
    await appendFile(copy, 'x');
    await expect(loaderOf(damaged.source).batch(0)).rejects.toThrow(
      /damaged\.tar' is no archive to read images from/,
    );
  });

  test('has the classes of a folder', async () => {
    const { train, validation, classes } = await classFolder(images);
    for (const [prefix, { source, labels }] of Object.entries({ train, val: validation })) {
      await writeShards({
        directory: join(folder, 'classes'),
        prefix,
        from: images,
        names: source.names,
        labels,
      });
    }
    const opened = await openShards(join(folder, 'classes'));
    expect([...opened.validation!.labels!].sort()).toEqual([...validation.labels].sort());
    expect(classes).toEqual(['cat', 'dog']);
  });
});
