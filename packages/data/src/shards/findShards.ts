import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchBytes } from '@beit/download';
import { readRegular } from '../files/regularFile';
import type { ShardFile } from '../sources/source';
import { ShardError } from './shardError';
import { isAddress, shardKind } from './shardFile';
import { isShardIndex, parseShardIndex, type ShardIndex } from './shardIndex';

/** The name of an index in a folder. */
const INDEX = 'index.json';
const MOST_INDEX_BYTES = 2 ** 28;

/** Where shards are said to be: an index, or files, of which little is known yet. */
export type FoundShards = ShardIndex | { readonly files: readonly ShardFile[] };

/**
 * Whether images are looked for in shards there, and not in files of their own: an address, a pattern, a tar, Parquet or
 * index file, or a folder that holds such.
 */
export async function isShards(location: string): Promise<boolean> {
  if (/::|\{/.test(location) || isAddress(location) || shardKind(location) || isIndex(location)) return true;
  const names = await filesBelow(location);
  if (names.some(shardKind)) return true;
  return names.includes(INDEX) && isShardIndex(await readText(join(location, INDEX)));
}

const isIndex = (location: string) =>
  /\.json$/i.test(isAddress(location) ? new URL(location).pathname : location);

/** @throws ShardError when there are none: it says what was looked for */
export async function findShards(location: string): Promise<FoundShards> {
  if (isIndex(location)) return parseShardIndex(await readText(location), location);
  const info = isAddress(location) ? undefined : await stat(location).catch(() => undefined);
  if (info?.isDirectory()) {
    const names = await filesBelow(location);
    if (names.includes(INDEX)) return findShards(join(location, INDEX));
    return { files: names.filter(shardKind).map((name) => shardFile(join(location, name))) };
  }
  const locations = location.split('::').flatMap(expandBraces);
  for (const file of locations) {
    if (!isAddress(file) && !(await stat(file).catch(() => undefined)))
      throw new ShardError(
        `There is no '${file}'; expected shards (.tar, .parquet), an index (.json), or a folder of such.`,
      );
  }
  return { files: locations.map(shardFile) };
}

function shardFile(location: string): ShardFile {
  const kind = shardKind(location);
  if (!kind) {
    throw new ShardError(`'${location}' is neither a .tar nor a .parquet file, nor an index (.json).`);
  }
  return { kind, location };
}

/** Names of the files in a folder and in the folders of it, sorted; none where there is no folder. */
async function filesBelow(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (!entry.isDirectory()) names.push(entry.name);
    else if (SHARD_FOLDERS.test(entry.name)) {
      for (const name of await readdir(join(folder, entry.name))) {
        if (shardKind(name)) names.push(`${entry.name}/${name}`);
      }
    }
  }
  return names.sort();
}

/** Folders that shards are in: those of Hugging Face's and of parts. A folder of images may have millions of others. */
const SHARD_FOLDERS = /^(data|shards|train|val|valid|validation|test)$/i;

const MOST_EXPANDED = 1_000_000;

/** `a-{000..002}.tar`: numbers with as many digits as the first. */
export function expandBraces(pattern: string): string[] {
  const match = /^([^{]*)\{(\d+)\.\.(\d+)\}(.*)$/s.exec(pattern);
  if (!match) {
    if (!/[{}]/.test(pattern)) return [pattern];
    throw new ShardError(`'${pattern}' has braces; expected a range of numbers, such as {000..123}.`);
  }
  const [, before, from, to, after] = match as unknown as [string, string, string, string, string];
  const count = Number(to) - Number(from) + 1;
  if (!(count >= 1 && count <= MOST_EXPANDED)) {
    throw new ShardError(
      `{${from}..${to}} in '${pattern}' are ${count} numbers; expected 1 to ${MOST_EXPANDED}.`,
    );
  }
  const rest = expandBraces(after);
  return Array.from({ length: count }, (_, i) => String(Number(from) + i).padStart(from.length, '0')).flatMap(
    (number) => rest.map((tail) => `${before}${number}${tail}`),
  );
}

async function readText(location: string): Promise<string> {
  if (!isAddress(location)) {
    const bytes = await readRegular(location, MOST_INDEX_BYTES).catch((cause: Error) => {
      throw new ShardError(cause.message, { cause });
    });
    return bytes.toString('utf8');
  }
  const { bytes } = await fetchBytes(location, { mostBytes: MOST_INDEX_BYTES }).catch((cause: Error) => {
    throw new ShardError(cause.message, { cause });
  });
  return new TextDecoder().decode(bytes);
}
