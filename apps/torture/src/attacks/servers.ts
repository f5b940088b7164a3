import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createLoader, formatShardIndex, openShards, writeShards } from '@beit/data';
import type { Random } from '@beit/random';
import { messageOf } from '@beit/tensors';
import sharp from 'sharp';
import { type Attack, failed, SURVIVED } from '../attack';

/** What a server does with a file that is asked for, instead of giving it. */
const LIES = {
  'gives an error': (_, response) => void response.writeHead(503).end('busy'),
  'breaks off': (file, response) => {
    response.writeHead(200, { 'content-length': file.length });
    response.write(file.subarray(0, file.length / 2), () => response.destroy());
  },
  'gives less than it says': (file, response) =>
    void response.writeHead(200, { connection: 'close' }).end(file.subarray(0, file.length - 700)),
  'gives other bytes': (file, response) => {
    const other = Buffer.from(file);
    other[other.length >> 1]! ^= 4;
    response.writeHead(200, { 'content-length': other.length }).end(other);
  },
  'gives a page to log in': (_, response) =>
    void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>'),
  'sends it elsewhere': (_, response) =>
    void response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  'sends it in circles': (_, response, path) => void response.writeHead(302, { location: path }).end(),
  'says that it is not there': (_, response) => void response.writeHead(404).end(),
  'is slow': async (file, response) => {
    response.writeHead(200, { 'content-length': file.length });
    for (let at = 0; at < file.length; at += 4096) {
      response.write(file.subarray(at, at + 4096));
      await setTimeout(20);
    }
    response.end();
  },
} as const satisfies Record<string, (file: Buffer, response: ServerResponse, path: string) => unknown>;

type Lie = keyof typeof LIES;

/** After so many lies it is honest: what is worth another attempt comes to its end. */
const MOST_LIES = 2;
const TIME_LIMIT_MS = 60_000;
const views = {
  imageSize: 8,
  tokenImageSize: 0,
  normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
} as const;

/** Shards from a server that lies: the right pictures, or an error that names the address. */
export const servers: Attack = {
  name: 'servers',
  about: 'shards from a server that breaks off, lies or sends elsewhere: the right pictures or an error',
  async attempt({ random, folder }) {
    const served = join(folder, 'served');
    const shards = await makeShards(served);
    const right = await digestOf(served, join(folder, 'cache-here'));
    const kinds = Object.keys(LIES) as Lie[];
    const lie = kinds[random.integer(0, kinds.length - 1)]!;
    const server = await serve(served, lie, random);
    const { port } = server.address() as AddressInfo;
    const address = `http://127.0.0.1:${port}/index.json`;
    try {
      const given = digestOf(address, join(folder, 'cache')).catch((error) => ({ error: messageOf(error) }));
      const came = await Promise.race([given, setTimeout(TIME_LIMIT_MS, 'nothing' as const)]);
      if (came === 'nothing')
        return failed(`the server ${lie}: nothing came in ${TIME_LIMIT_MS / 1000} s of ${shards} shards`);
      if (typeof came === 'string')
        return came === right ? SURVIVED : failed(`the server ${lie}: other pictures came`);
      return came.error.includes(`127.0.0.1:${port}`)
        ? SURVIVED
        : failed(`the server ${lie}: the error does not name the address: ${came.error}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
};

async function makeShards(folder: string): Promise<number> {
  const photos = join(folder, 'photos');
  await mkdir(photos, { recursive: true });
  const names = Array.from({ length: 12 }, (_, i) => `${i}.png`);
  for (const [i, name] of names.entries()) {
    const background = { r: 20 * i, g: 255 - 20 * i, b: 100 };
    await sharp({ create: { width: 40, height: 40, channels: 3, background } })
      .png()
      .toFile(join(photos, name));
  }
  const written = await writeShards({
    ...{ directory: folder, prefix: 'train', from: photos, names },
    ...{ labels: names.map((_, i) => i % 2), imagesPerShard: 4 },
  });
  const index = formatShardIndex({ classes: ['a', 'b'], shards: written }, ({ location }) =>
    basename(location),
  );
  await writeFile(join(folder, 'index.json'), index);
  return written.length;
}

async function serve(folder: string, lie: Lie, random: Random): Promise<Server> {
  const lies = new Map<string, number>();
  const lyingOf = new Map<string, number>();
  const server = createServer(async ({ url = '/' }: IncomingMessage, response) => {
    const path = new URL(url, 'http://localhost').pathname;
    const file = await readFile(join(folder, path)).catch(() => undefined);
    if (!file) return void response.writeHead(404).end();
    if (!lyingOf.has(path)) lyingOf.set(path, random.uniform() < 0.5 ? random.integer(1, MOST_LIES) : 0);
    const told = lies.get(path) ?? 0;
    if (told < lyingOf.get(path)!) {
      lies.set(path, told + 1);
      await LIES[lie](file, response, path);
    } else response.writeHead(200, { 'content-length': file.length }).end(file);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return server;
}

/** Of all pictures, in their order. */
async function digestOf(location: string, directory: string): Promise<string> {
  const { train } = await openShards(location, { window: 1, cache: { directory, maxBytes: 2 ** 26 } });
  const loader = createLoader({
    ...{ source: train.source, batchSize: 4, seed: 0, views, workers: 0 },
    ...{ shuffle: false, dropLast: false },
  });
  const hash = createHash('sha256');
  try {
    for (let step = 0; step < loader.stepsPerEpoch; step++) {
      const { images } = await loader.batch(step);
      hash.update(new Uint8Array(images.data.buffer, images.data.byteOffset, images.data.byteLength));
    }
  } finally {
    await loader.close();
  }
  const [wrong] = loader.unreadable();
  if (wrong) throw new Error(`${wrong.name}: ${wrong.reason}`);
  return hash.digest('hex');
}
