import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  emojiCatalog,
  type FolderSource,
  formatShardIndex,
  type MemorySource,
  writeShards,
} from '@beit/data';
import fc from 'fast-check';
import { describeDataset, labelledShare, loadDataset, loadMeasured, repeated } from '../src/dataset';
import type { Labelled } from '../src/labels';

const EMOJI = { kind: 'emoji', size: 4, imagesPerClass: [15, 60], heldOutShare: 0.25 } as const;

test('the emoji: subgroups of enough different ones, and no emoji both trained on and validated on', async () => {
  const dataset = await loadDataset({ data: EMOJI, seed: 0 }, undefined);
  const { classes, train, validation } = dataset;
  expect(classes).toEqual([...classes].sort());
  expect(classes).not.toContain('other');
  const catalog = new Map((await emojiCatalog()).map((emoji) => [emoji.id, emoji]));
  const basesOf = ({ source, labels }: Labelled) =>
    Array.from(source.names, (id, i) => {
      const { base, subgroup } = catalog.get(id)!;
      expect(classes[Number(labels[i])]).toBe(subgroup);
      return base;
    });
  const [trained, validated] = [basesOf(train), basesOf(validation)];
  const all = [...trained, ...validated];
  // One picture for each emoji, in one part only.
  expect(new Set(all).size).toBe(all.length);
  const counts = classes.map(
    (_, label) => [...train.labels, ...validation.labels].filter((l) => l === label).length,
  );
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(15);
  expect(Math.max(...counts)).toBeLessThanOrEqual(60);
  expect(validated.length / all.length).toBeGreaterThan(0.2);
  expect(validated.length / all.length).toBeLessThan(0.3);
  expect(dataset.title(train.source.names.at(0)!)).not.toBe('');
  // Whatever the seed, so that pre-training can hold out the same ones.
  const again = await loadDataset({ data: EMOJI, seed: 7 }, undefined);
  expect(again.train.source.names).toEqual(train.source.names);
});

test('a share of the labels: of every class, the smaller in the larger, as the seed draws it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 80 }),
      fc.double({ min: 0.05, max: 0.5, noNaN: true }),
      fc.nat(9),
      (labels, share, seed) => {
        const source: FolderSource = { kind: 'folder', directory: '', names: labels.map((_, i) => `${i}`) };
        const whole: Labelled = { source, labels: Int32Array.from(labels) };
        const small = labelledShare(whole, share, seed);
        const large = labelledShare(whole, 2 * share, seed);
        expect(large.source.names).toEqual(expect.arrayContaining([...small.source.names]));
        for (const label of new Set(labels)) {
          const own = labels.filter((l) => l === label).length;
          expect([...small.labels].filter((l) => l === label).length).toBe(
            Math.max(1, Math.round(share * own)),
          );
        }
        for (const [i, name] of [...small.source.names].entries())
          expect(small.labels[i]).toBe(labels[Number(name)]);
      },
    ),
  );
});

test('a share of pictures in memory has their pixels', () => {
  const pixels = new SharedArrayBuffer(6 * 4);
  new Uint8Array(pixels).set(Uint8Array.from({ length: 24 }, (_, i) => Math.floor(i / 4)));
  const source: MemorySource = { kind: 'memory', names: ['0', '1', '2', '3', '4', '5'], size: 1, pixels };
  const part = labelledShare({ source, labels: Int32Array.of(0, 1, 0, 1, 0, 1) }, 0.4, 3);
  const { names, pixels: own } = part.source as MemorySource;
  expect(names.length).toBe(2);
  [...names].forEach((name, i) => {
    expect(new Uint8Array(own)[4 * i]).toBe(Number(name));
  });
});

test('few images come again and again, as often as the others', () => {
  const source: FolderSource = { kind: 'folder', directory: '', names: ['a', 'b', 'c'] };
  const few: Labelled = { source, labels: Int32Array.of(2, 0, 1) };
  const { source: all, labels } = repeated(few, 7);
  expect(all.names).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a']);
  expect([...labels]).toEqual([2, 0, 1, 2, 0, 1, 2]);
  expect(repeated(few, 3)).toEqual(few);
});

test('it is said when classes are very unequal', () => {
  const of = (...counts: number[]) => {
    const labels = Int32Array.from(counts.flatMap((count, label) => new Array<number>(count).fill(label)));
    const source: FolderSource = { kind: 'folder', directory: '', names: [...labels].map(String) };
    const images = { source, labels };
    return describeDataset({
      classes: ['cat', 'dog'],
      train: images,
      validation: images,
      notes: [],
      named: true,
      multiLabel: false,
      title: String,
    });
  };
  expect(of(3, 3)).toMatch(/6 images of 2 classes.* 3 of each class\./);
  expect(of(3, 5)).toMatch(/From 3 \(cat\) to 5 \(dog\) of a class\.$/);
  expect(of(30, 2)).toMatch(/From 2 \(dog\) to 30 \(cat\) of a class: very unequal/);
});

describe('shards', () => {
  let folder: string;
  let images = 0;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'classify-shards-'));
    for (let i = 0; i < 8; i++) writeFileSync(join(folder, `${i}.jpg`), 'not read here');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function shards(
    parts: Readonly<Record<string, readonly number[] | undefined>>,
    classes?: readonly string[],
  ): Promise<string> {
    const directory = join(folder, `shards-${images++}`);
    const written = [];
    for (const [prefix, labels] of Object.entries(parts)) {
      const names = Array.from({ length: labels?.length ?? 3 }, (_, i) => `${i}.jpg`);
      written.push(...(await writeShards({ directory, prefix, from: folder, names, labels })));
    }
    const index = formatShardIndex({ classes, shards: written }, ({ location }) => location);
    writeFileSync(join(directory, 'index.json'), index);
    return directory;
  }
  const load = (location: string) =>
    loadDataset({ data: { kind: 'folder', shardWindow: 3 }, seed: 0 }, location);

  test('have classes by name or by number', async () => {
    const parts = { train: [0, 1, 2, 2], val: [2, 0] };
    const named = await load(await shards(parts, ['cat', 'dog', 'eel']));
    expect(named.classes).toEqual(['cat', 'dog', 'eel']);
    expect([...named.train.labels].sort()).toEqual([0, 1, 2, 2]);
    expect([...named.validation.labels].sort()).toEqual([0, 2]);
    expect(named.train.source).toMatchObject({ kind: 'shards', window: 3 });
    expect((await load(await shards(parts))).classes).toEqual(['0', '1', '2']);
    const half = labelledShare(named.train, 0.5, 0);
    expect(half.source.names).toHaveLength(3);
  });

  test('those for testing are validated on, or measured on alone where a share is held out', async () => {
    const location = await shards({ train: [0, 0, 0, 0, 1, 1, 1, 1], test: [1, 0, 1] });
    expect([...(await load(location)).validation.labels].sort()).toEqual([0, 1, 1]);
    const recipe = { data: { kind: 'folder', heldOutShare: 0.25 }, seed: 0 } as const;
    const { train, validation } = await loadDataset(recipe, location);
    expect([...train.labels].sort()).toEqual([0, 0, 0, 1, 1, 1]);
    expect([...validation.labels].sort()).toEqual([0, 1]);
    const names = [...train.source.names, ...validation.source.names];
    expect(new Set(names).size).toBe(8);
    expect(names.every((name) => name.startsWith('train'))).toBe(true);
    const { images } = await loadMeasured(recipe, location, 'test');
    expect([...images.labels].sort()).toEqual([0, 1, 1]);
    await expect(loadMeasured(recipe, await shards({ train: [0, 1], val: [0] }), 'test')).rejects.toThrow(
      "'test', and",
    );
  });

  test('are refused where classes or a part are missing, or classes are beyond the names', async () => {
    await expect(shards({ train: [0, 1] }).then(load)).rejects.toThrow('has no shards for validation');
    await expect(shards({ train: undefined, val: [0] }).then(load)).rejects.toThrow(
      'do not say the class of every image',
    );
    await expect(shards({ train: [0, 1], val: [0, 2] }, ['cat', 'dog']).then(load)).rejects.toThrow(
      'have a class 2; expected 0 to 1',
    );
    await expect(shards({ train: [0, -1], val: [0] }).then(load)).rejects.toThrow(
      'have a class -1; expected 0 to 0',
    );
  });
});
