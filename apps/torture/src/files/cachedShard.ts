import { copyFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { Format } from './format';
import { cacheBeside, readShards } from './readShards';
import { threeInTar } from './threeInTar';

const INDEX = 'index.json';

/** A shard that a server gave, changed where it lies in the cache: it may not be taken for what was brought. */
export const cachedShard: Format = {
  name: 'cached-shard',
  ending: '.tar',
  isExact: true,
  needsWhole: true,
  async make(folder) {
    const shard = await threeInTar(folder);
    const path = join(folder, INDEX);
    const shardlist = [{ url: await serve(shard), nsamples: 3, filesize: shard.length, labels: [0, 1, 0] }];
    await writeFile(path, JSON.stringify({ __kind__: 'wids-shard-index-v1', wids_version: 1, shardlist }));
    await readShards(path);
    return shard;
  },
  async read(path) {
    // Another process has brought it: to this one, it is what the cache has.
    const cache = cacheBeside(path);
    const name = (await readdir(cache)).find((name) => name.endsWith('.tar'));
    await copyFile(path, join(cache, name!));
    return readShards(join(dirname(path), INDEX));
  },
};

const served: Uint8Array[] = [];
let address: Promise<string> | undefined;

/** @returns an address of its own, for as long as this process lasts */
async function serve(file: Uint8Array): Promise<string> {
  address ??= new Promise((resolve) => {
    const server = createServer(
      ({ url = '' }, response) => void response.end(served[Number(url.split('/')[1])]),
    );
    server.listen(0, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    );
    server.unref();
  });
  served.push(file);
  return `${await address}/${served.length - 1}/all.tar`;
}
