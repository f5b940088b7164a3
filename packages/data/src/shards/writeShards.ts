import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checksumOf } from '@beit/download';
import { createRandom } from '@beit/random';
import { makeFolder } from '@beit/tensors';
import type { Names } from '../sources/names';
import { ShardError } from './shardError';
import type { IndexedShard } from './shardIndex';
import { shardLabels, shardSamples } from './shardSamples';
import { MOST_ENTRY_BYTES, TAR_END, tarHeader, tarPadding } from './tarEntries';

export interface ShardWriterOptions {
  /** Where the shards go: `prefix-000000.tar` and so on. */
  readonly directory: string;
  readonly prefix: string;
  /** Below `from`, with `/`. */
  readonly names: Names;
  /** Folder of the images. */
  readonly from: string;
  /** The class of each image. */
  readonly labels?: ArrayLike<number>;
  /** Default 1000. */
  readonly imagesPerShard?: number;
  /** Seed of the order, which is random so that every shard has images of all kinds. Default 0. */
  readonly seed?: number;
  /** Called after every image. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Of a shard, counted from 0. */
export const shardName = (prefix: string, number: number): string =>
  `${prefix}-${String(number).padStart(6, '0')}.tar`;

interface PlannedImage {
  readonly key: string;
  /** With the dot. */
  readonly extension: string;
  readonly path: string;
  readonly label: number | undefined;
}

/**
 * Packs images into tar files as WebDataset has them, each read back after it was written. Shards that are there already
 * are checked and left as they are, so that the same call goes on with what was interrupted.
 *
 * @throws ShardError when a shard that is there has other images, or a file can't be read
 */
export async function writeShards(options: ShardWriterOptions): Promise<IndexedShard[]> {
  const { directory, prefix, names, imagesPerShard = 1000, onProgress } = options;
  if (!Number.isSafeInteger(imagesPerShard) || imagesPerShard < 1) {
    throw new RangeError(`imagesPerShard is ${imagesPerShard}; expected a number of images, at least 1.`);
  }
  await makeFolder(directory);
  const images = plan(options);
  const shards: IndexedShard[] = [];
  for (let first = 0; first < names.length; first += imagesPerShard) {
    const own = images.slice(first, first + imagesPerShard);
    const path = join(directory, shardName(prefix, shards.length));
    const isThere = await stat(path).catch(() => undefined);
    const sha256 = isThere
      ? await checksumOf(path, 'sha256')
      : await writeShard(path, own, options.signal, (done) => onProgress?.(first + done, names.length));
    shards.push(await describeShard(path, own, sha256));
    onProgress?.(first + own.length, names.length);
  }
  return shards;
}

/** Which images come, and what they are called in the archives. */
function plan({ names, from, labels, seed = 0 }: ShardWriterOptions): PlannedImage[] {
  const taken = new Set<string>();
  const keyOf = (name: string): string => {
    // A key ends at the first dot of a file's name.
    const [, folder = '', file = ''] = /^(.*\/)?([^/]*)\.[^.]*$/.exec(name)!;
    const plain = `${folder}${file.replaceAll('.', '_')}`;
    let key = plain;
    for (let i = 2; taken.has(key); i++) key = `${plain}_${i}`;
    taken.add(key);
    return key;
  };
  const planned = Array.from(names, (name, i) => ({
    key: keyOf(name),
    extension: /\.[^.]*$/.exec(name)![0].toLowerCase(),
    path: join(from, name),
    label: labels?.[i],
  }));
  return Array.from(createRandom(seed, 'shards').permutation(names.length), (i) => planned[i]!);
}

/** What goes into an archive, with a sum over it. */
interface Output {
  readonly file: FileHandle;
  readonly hash: Hash;
}

/** @returns the sha256 of the file as it was read back */
async function writeShard(
  path: string,
  images: readonly PlannedImage[],
  signal: AbortSignal | undefined,
  onProgress: (done: number) => void,
): Promise<string> {
  const part = `${path}.part`;
  const output: Output = { file: await open(part, 'w'), hash: createHash('sha256') };
  try {
    for (const [i, { key, extension, path: source, label }] of images.entries()) {
      signal?.throwIfAborted();
      await append(output, `${key}${extension}`, await readImage(source));
      if (label !== undefined) await append(output, `${key}.cls`, Buffer.from(String(label)));
      onProgress(i + 1);
    }
    await put(output, [TAR_END]);
    await output.file.sync();
    await output.file.close();
    const actual = await checksumOf(part, 'sha256');
    const written = output.hash.digest('hex');
    if (actual !== written) {
      throw new ShardError(`'${part}' reads back with the sha256 ${actual}; ${written} was written.`);
    }
    await rename(part, path);
    return actual;
  } catch (error) {
    await output.file.close().catch(() => {});
    await rm(part, { force: true });
    throw error;
  }
}

async function readImage(path: string): Promise<Buffer> {
  const { size } = await stat(path);
  if (size > MOST_ENTRY_BYTES) {
    throw new ShardError(`'${path}' has ${size} bytes; images of at most ${MOST_ENTRY_BYTES} can be packed.`);
  }
  return readFile(path);
}

const append = (output: Output, name: string, bytes: Buffer): Promise<void> =>
  put(output, [tarHeader(name, bytes.length), bytes, tarPadding(bytes.length)]);

async function put({ file, hash }: Output, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    hash.update(piece);
    await file.writeFile(piece);
  }
}

/** @throws ShardError unless it has these images */
async function describeShard(
  path: string,
  images: readonly PlannedImage[],
  sha256: string,
): Promise<IndexedShard> {
  const samples = shardSamples(path);
  const labels = shardLabels(path, samples);
  const isAsPlanned =
    samples.length === images.length &&
    images.every(({ key, label }, i) => samples[i]!.key === key && labels?.[i] === label);
  if (!isAsPlanned) {
    throw new ShardError(
      `'${path}' is there already and has other images than were to be packed. Remove it, or give another folder.`,
    );
  }
  return {
    kind: 'tar',
    location: path,
    samples: samples.length,
    ...(labels && { labels }),
    bytes: (await stat(path)).size,
    checksum: { algorithm: 'sha256', value: sha256 },
  };
}
