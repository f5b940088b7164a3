import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { whereInstalled } from '../../../../tooling/jest/whereInstalled';
import { type FaultyServer, type Server, startFaulty, startNginx } from '../../../../tooling/servers/nginx';
import {
  createLoader,
  formatShardIndex,
  INCEPTION_NORMALIZATION,
  openShards,
  readPixels,
  type ShardCache,
  writeShards,
} from '../../src';
import { localShard } from '../../src/shards/localShard';
import { writeImages } from './writeImages';

let folder: string;
let nginx: Server;
let faulty: FaultyServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beit-http-'));
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

whereInstalled('nginx', () =>
  describe('shards on a server', () => {
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
        views: {
          imageSize: 8,
          tokenImageSize: 4,
          normalization: INCEPTION_NORMALIZATION,
          background: 'white',
        },
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
        const shards = async () =>
          (await readdir(cache.directory)).filter((name) => /\.(tar|part)$/.test(name));
        let files = await shards();
        // One that is renamed meanwhile may be in no list.
        for (let again = 0; files.length === 0 && again < 20; again++) files = await shards();
        expect(files.length).toBeGreaterThan(0);
        let bytes = 0;
        for (const name of files) {
          // One that has just become whole has another name by now.
          bytes += (await stat(join(cache.directory, name)).catch(() => undefined))?.size ?? 0;
        }
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

    test('are brought no further once the loader is closed, in whatever thread it was at it', async () => {
      for (const workers of [0, 1]) {
        const cache = newCache(10);
        const loader = await loaderOf(cache, workers);
        const whole = async () =>
          (await readdir(cache.directory)).filter((name) => name.endsWith('.tar')).length;
        await loader.batch(0);
        while ((await whole()) < 2) await sleep(10);
        faulty.requests.splice(0);
        faulty.faults.push(...Array.from({ length: 20 }, () => ({ kind: 'break', after: 100 }) as const));
        void loader.batch(1).catch(() => {});
        while (faulty.requests.length === 0) await sleep(10);
        const began = performance.now();
        await loader.close();
        expect(performance.now() - began).toBeLessThan(5000);
        const asked = faulty.requests.length;
        await sleep(1000);
        expect(faulty.requests.length).toBe(asked);
        expect((await readdir(cache.directory)).filter((name) => name.endsWith('.lock'))).toEqual([]);
        faulty.faults.splice(0);
      }
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

    describe('in the cache', () => {
      /** As in another process: none of this one has looked at it. */
      const inNextProcess = (path: string) => rm(`${path}.checked`, { force: true });
      const oneShard = async (index = 'index.json') => {
        const cache = newCache(10);
        const { train } = await openShards(`${faulty.address}/shards/${index}`, { window: 1, cache });
        const shard = train.source.shards[0]!;
        const path = await localShard(shard, cache);
        faulty.requests.splice(0);
        return { cache, shard, path, content: await readFile(path) };
      };
      const changes: [string, (path: string, content: Buffer) => Promise<void>][] = [
        [
          'with a changed byte',
          async (path, content) => {
            const changed = Buffer.from(content);
            changed[700]! ^= 1;
            await writeFile(path, changed);
          },
        ],
        ['that is empty', (path) => writeFile(path, '')],
        ['that is cut off', (path, content) => writeFile(path, content.subarray(0, 1000))],
        ['of which nothing is known', (path) => rm(`${path}.sha256`)],
      ];

      test.each(changes)('one %s is brought anew, with checksums and without', async (_, change) => {
        const text = await readFile(join(folder, 'shards/index.json'), 'utf8');
        const bare = text.replaceAll(/,"sha256":"[^"]*"|,"filesize":\d+/g, '');
        expect(bare).not.toMatch(/sha256|filesize/);
        await writeFile(join(folder, 'shards/bare.json'), bare);
        for (const index of ['index.json', 'bare.json']) {
          const { cache, shard, path, content } = await oneShard(index);
          await change(path, content);
          await inNextProcess(path);
          expect(await localShard(shard, cache)).toBe(path);
          expect((await readFile(path)).equals(content)).toBe(true);
          expect(faulty.requests).toEqual(['/shards/train-000000.tar whole']);
          // Once more, and nothing is asked for.
          await inNextProcess(path);
          await localShard(shard, cache);
          expect(faulty.requests).toHaveLength(1);
        }
      });

      test('a page in place of a shard is no shard, and is not kept', async () => {
        const page = '<!DOCTYPE html><title>Please log in</title>'.padEnd(2000);
        await writeFile(join(folder, 'shards/login-000000.tar'), page);
        const text = await readFile(join(folder, 'shards/index.json'), 'utf8');
        const [first] = JSON.parse(text).shardlist as { url: string; nsamples: number }[];
        const index = {
          ...JSON.parse(text),
          shardlist: [{ url: 'login-000000.tar', nsamples: first!.nsamples }],
        };
        await writeFile(join(folder, 'shards/login.json'), JSON.stringify(index));
        const cache = newCache(10);
        const { train } = await openShards(`${faulty.address}/shards/login.json`, { window: 1, cache });
        await expect(localShard(train.source.shards[0]!, cache)).rejects.toThrow(
          /login-000000\.tar' is no archive to read images from: .* It is a page: does its server want you to log in/,
        );
        expect(await readdir(cache.directory)).toEqual([]);
      });
    });

    test('a lock that a dead process left is no obstacle', async () => {
      const cache = newCache(10);
      const { train } = await openShards(`${faulty.address}/shards/index.json`, { window: 1, cache });
      const path = await localShard(train.source.shards[0]!, cache);
      await rm(path);
      // No process has this number: Linux has 2^22 at the most.
      await writeFile(`${path}.lock`, `${hostname()} 99999999 0`);
      expect(await localShard(train.source.shards[0]!, cache)).toBe(path);
    });
  }),
);
