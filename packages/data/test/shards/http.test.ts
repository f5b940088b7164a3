import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whereInstalled } from '../../../../tooling/jest/whereInstalled';
import {
  createLoader,
  formatShardIndex,
  INCEPTION_NORMALIZATION,
  openShards,
  readPixels,
  type ShardCache,
  writeShards,
} from '../../src';
import { checksumOf, type DownloadOptions, download } from '../../src/shards/download';
import { httpFile } from '../../src/shards/httpRange';
import { localShard } from '../../src/shards/localShard';
import { type FaultyServer, type Server, startFaulty, startNginx } from './nginx';
import { writeImages } from './writeImages';

const describeServed = (name: string, tests: () => void) =>
  whereInstalled('nginx', () => describe(name, tests));

const BYTES = 3_000_000;
const FAST = { waitSeconds: 0.001, stallSeconds: 0.3, tries: 4 };

let folder: string;
let nginx: Server;
let faulty: FaultyServer;
let content: Buffer;
let checksum: { algorithm: 'sha256'; value: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beit-http-'));
  content = Buffer.from(Uint32Array.from({ length: BYTES / 4 }, (_, i) => Math.imul(i, 2654435761)).buffer);
  await writeFile(join(folder, 'a.bin'), content);
  checksum = { algorithm: 'sha256', value: await checksumOf(join(folder, 'a.bin'), 'sha256') };
  nginx = await startNginx(folder);
  faulty = await startFaulty(nginx.address);
});
afterAll(async () => {
  await faulty?.close();
  await nginx?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  faulty?.faults.splice(0);
  faulty?.requests.splice(0);
});

let downloads = 0;
/** @returns the path of what came */
async function bring(
  change: Partial<DownloadOptions> = {},
  from = `${faulty.address}/a.bin`,
): Promise<string> {
  const path = join(folder, `brought-${downloads++}`);
  await download(from, path, { mostBytes: 2 * BYTES, ...FAST, ...change });
  return path;
}
const isWhole = async (path: string) => (await readFile(path)).equals(content);
const partsLeft = async () => (await readdir(folder)).filter((name) => name.endsWith('.part'));

describeServed('a download', () => {
  test('brings the file', async () => {
    expect(await isWhole(await bring({}, `${nginx.address}/a.bin`))).toBe(true);
    expect(await isWhole(await bring({ bytes: BYTES, checksum }))).toBe(true);
    expect(faulty.requests).toEqual(['/a.bin whole']);
  });

  test('goes on where the connection broke, as often as it takes', async () => {
    const megabyte = { kind: 'break', after: 1_200_000 } as const;
    faulty.faults.push(megabyte, megabyte, { kind: 'break', after: 100 });
    expect(await isWhole(await bring())).toBe(true);
    expect(faulty.requests).toHaveLength(4);
    expect(faulty.requests.slice(1).every((request) => /^\/a\.bin bytes=\d+-$/.test(request))).toBe(true);
    const starts = faulty.requests.slice(1).map((request) => Number(/\d+/.exec(request.split('=')[1]!)![0]));
    expect(starts[0]).toBeGreaterThan(1_000_000);
    expect(starts[1]).toBeGreaterThan(starts[0]!);
  });

  test('gives up after several failures without progress, and says so', async () => {
    for (let i = 0; i < 4; i++) faulty.faults.push({ kind: 'break', after: 10 });
    await expect(bring()).rejects.toThrow(/127\.0\.0\.1.*that was the last of several tries/);
    expect(faulty.requests).toHaveLength(4);
  });

  test('takes up answers that are too short, whether they say how long they are or not', async () => {
    faulty.faults.push({ kind: 'short', after: 500_000 });
    expect(await isWhole(await bring({ bytes: BYTES }))).toBe(true);
    expect(faulty.requests).toHaveLength(2);
  });

  test('leaves a server that stalls or trickles, and takes it up again', async () => {
    faulty.faults.push({ kind: 'stall', after: 1_500_000 });
    expect(await isWhole(await bring())).toBe(true);
    expect(faulty.requests).toHaveLength(2);
    // nginx sends 400 bytes a second; what is wanted is a kilobyte.
    await expect(bring({ stallSeconds: 2, tries: 1 }, `${nginx.address}/slow/a.bin`)).rejects.toThrow(
      /sent \d+ bytes in 2 s/,
    );
  });

  test('waits for a server that is busy, not for one that refuses', async () => {
    faulty.faults.push(
      { kind: 'status', status: 503 },
      { kind: 'status', status: 429, headers: { 'retry-after': '0' } },
    );
    expect(await isWhole(await bring())).toBe(true);
    expect(faulty.requests).toHaveLength(3);
    await expect(bring({}, `${faulty.address}/absent.bin`)).rejects.toThrow(
      /absent\.bin answered 404 Not Found/,
    );
    expect(faulty.requests).toHaveLength(4);
  });

  test('fetches again what is wrong, once', async () => {
    faulty.faults.push({ kind: 'wrong', at: 1_000_000 });
    expect(await isWhole(await bring({ bytes: BYTES, checksum }))).toBe(true);
    faulty.faults.push({ kind: 'wrong', at: 7 }, { kind: 'wrong', at: 8 });
    await expect(bring({ bytes: BYTES, checksum })).rejects.toThrow(
      new RegExp(`has the sha256 [0-9a-f]{64}; the index says ${checksum.value}`),
    );
    expect(faulty.requests).toHaveLength(4);
  });

  test('does not mix two files: a server that ignores ranges or sends other parts', async () => {
    faulty.faults.push({ kind: 'break', after: 1_200_000 }, { kind: 'whole' });
    expect(await isWhole(await bring())).toBe(true);
    const range = { kind: 'headers', headers: { 'content-range': `bytes 0-9/${BYTES}` } } as const;
    faulty.faults.push({ kind: 'break', after: 1_200_000 }, range);
    expect(await isWhole(await bring())).toBe(true);
    expect(faulty.requests).toHaveLength(5);
  });

  test('begins anew when the file has changed meanwhile', async () => {
    const other = join(folder, 'changing.bin');
    await writeFile(other, Buffer.alloc(BYTES, 1));
    faulty.faults.push({ kind: 'break', after: 1_200_000 });
    const run = bring({ waitSeconds: 0.5 }, `${faulty.address}/changing.bin`);
    while (faulty.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await writeFile(other, Buffer.alloc(BYTES, 2));
    // Servers tell versions apart by their second.
    await utimes(other, 1, 1);
    expect((await readFile(await run)).equals(Buffer.alloc(BYTES, 2))).toBe(true);
  });

  test('takes no more than there is room for, and no other size than the index says', async () => {
    await expect(bring({ mostBytes: 1000 })).rejects.toThrow(`has ${BYTES} bytes; there is room for 1000`);
    await expect(bring({ bytes: 1000, checksum })).rejects.toThrow(`has ${BYTES} bytes; expected 1000`);
    faulty.faults.push({ kind: 'headers', headers: { 'content-encoding': 'gzip' } });
    await expect(bring()).rejects.toThrow("comes with the encoding 'gzip'");
  });

  test('with a checksum goes on with what an earlier one left', async () => {
    const path = join(folder, 'continued');
    await writeFile(`${path}.part`, content.subarray(0, 2_000_000));
    await download(`${faulty.address}/a.bin`, path, { bytes: BYTES, checksum, mostBytes: BYTES, ...FAST });
    expect(faulty.requests).toEqual(['/a.bin bytes=2000000-']);
    expect(await isWhole(path)).toBe(true);
    await writeFile(`${path}.part`, Buffer.alloc(2_000_000));
    await download(`${faulty.address}/a.bin`, path, { bytes: BYTES, checksum, mostBytes: BYTES, ...FAST });
    expect(await isWhole(path)).toBe(true);
    await writeFile(`${path}.part`, Buffer.alloc(2_000_000));
    await download(`${faulty.address}/a.bin`, path, { mostBytes: BYTES, ...FAST });
    expect(await isWhole(path)).toBe(true);
    expect(await partsLeft()).not.toContain('continued.part');
  });
});

describeServed('parts of a file', () => {
  test('are read, over failures too', async () => {
    const file = await httpFile(`${faulty.address}/a.bin`, FAST);
    expect(file.byteLength).toBe(BYTES);
    faulty.faults.push(
      { kind: 'break', after: 10 },
      { kind: 'status', status: 500 },
      { kind: 'short', after: 20 },
    );
    expect(Buffer.from(await file.slice(1000, 5000)).equals(content.subarray(1000, 5000))).toBe(true);
    expect(Buffer.from(await file.slice(-100)).equals(content.subarray(-100))).toBe(true);
    faulty.faults.push({ kind: 'whole' });
    await expect(file.slice(0, 10)).rejects.toThrow('its server must know range requests');
  });
});

describeServed('shards on a server', () => {
  const names = Array.from({ length: 24 }, (_, i) => `${i}.png`);
  let shardBytes: number;
  beforeAll(async () => {
    const images = join(folder, 'images');
    await writeImages(images, names);
    const directory = join(folder, 'shards');
    const shards = await writeShards({
      directory,
      prefix: 'train',
      from: images,
      names,
      imagesPerShard: 4,
      labels: names.map((_, i) => i),
    });
    shardBytes = Math.max(...shards.map(({ bytes }) => bytes!));
    const text = formatShardIndex({ shards }, ({ location }) => location.split('/').at(-1)!);
    await writeFile(join(directory, 'index.json'), text);
  });

  let caches = 0;
  const newCache = (shards: number): ShardCache => ({
    directory: join(folder, `cache-${caches++}`),
    maxBytes: shards * shardBytes,
  });
  const loaderOf = async (cache: ShardCache | undefined, workers: number, window = 1) => {
    const location = cache ? `${faulty.address}/shards/index.json` : join(folder, 'shards');
    const { train } = await openShards(location, { window, ...(cache && { cache }) });
    return createLoader({
      source: train.source,
      batchSize: 4,
      seed: 1,
      workers,
      views: { imageSize: 8, tokenImageSize: 4, normalization: INCEPTION_NORMALIZATION, background: 'white' },
    });
  };
  async function epochs(count: number, loading: ReturnType<typeof loaderOf>) {
    const loader = await loading;
    const batches = [];
    for (let step = 0; step < count * loader.stepsPerEpoch; step++) batches.push(await loader.batch(step));
    await loader.close();
    return batches;
  }

  test('give the same batches as on disk, through a cache of two windows', async () => {
    const expected = await epochs(2, loaderOf(undefined, 0));
    for (const workers of [0, 2]) {
      const cache = newCache(2.5);
      expect(await epochs(2, loaderOf(cache, workers))).toEqual(expected);
      // The next window may be on its way still, into empty files that hold its place.
      const files = (await readdir(cache.directory)).filter((name) => /\.(tar|part)$/.test(name));
      let bytes = 0;
      for (const name of files) bytes += (await stat(join(cache.directory, name))).size;
      expect(bytes).toBeLessThanOrEqual(cache.maxBytes);
    }
  });

  test('come once where the cache has room for all', async () => {
    const cache = newCache(10);
    await epochs(3, loaderOf(cache, 2));
    const shards = faulty.requests.filter((request) => request.includes('.tar'));
    expect(shards.sort()).toEqual(Array.from({ length: 6 }, (_, i) => `/shards/train-00000${i}.tar whole`));
    faulty.requests.splice(0);
    await epochs(1, loaderOf(cache, 2));
    expect(faulty.requests).toEqual(['/shards/index.json whole']);
  });

  test('are brought once for all who want them at the same time', async () => {
    const cache = newCache(10);
    const { train } = await openShards(`${faulty.address}/shards/index.json`, { window: 1, cache });
    faulty.faults.push({ kind: 'break', after: 100 });
    const paths = await Promise.all([1, 2, 3, 4].map(() => localShard(train.source.shards[0]!, cache)));
    expect(new Set(paths).size).toBe(1);
    expect(faulty.requests.filter((request) => request.includes('.tar'))).toHaveLength(2);
  });

  test('that are not there end the training with an error, not with other images', async () => {
    const text = await readFile(join(folder, 'shards/index.json'), 'utf8');
    await writeFile(join(folder, 'shards/gone.json'), text.replaceAll('train-', 'gone-'));
    const cache = newCache(10);
    const { train } = await openShards(`${faulty.address}/shards/gone.json`, { window: 1, cache });
    await expect(readPixels(train.source, 0)).rejects.toThrow(/gone-000000\.tar answered 404 Not Found/);
    expect((await readdir(cache.directory)).length).toBe(0);
  });

  test('need a cache, and room in it for two windows', async () => {
    const location = `${faulty.address}/shards/index.json`;
    await expect(openShards(location)).rejects.toThrow('needs a cache');
    await expect(openShards(location, { window: 2, cache: newCache(3) })).rejects.toThrow(
      /Two windows of 2 shards take .* GB; the cache is for .* GB/,
    );
  });

  test('a lock that a dead process left is no obstacle', async () => {
    const cache = newCache(10);
    const { train } = await openShards(`${faulty.address}/shards/index.json`, { window: 1, cache });
    const path = await localShard(train.source.shards[0]!, cache);
    await rm(path);
    const { hostname } = await import('node:os');
    // No process has this number: Linux has 2^22 at the most.
    await writeFile(`${path}.lock`, `${hostname()} 99999999 0`);
    expect(await localShard(train.source.shards[0]!, cache)).toBe(path);
  });
});
