import { copyFile, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Random } from '@beit/random';
import { mutate } from './mutate';

/** What was done to a file. */
export interface Damage {
  /** In words, after the file's name. */
  readonly what: string;
  /** Whether it has as many bytes as before. */
  readonly keepsSize: boolean;
  readonly isGone: boolean;
}

/** Larger ones are not read into memory: a library may have a gigabyte. */
const LARGEST_READ = 2 ** 20;

/**
 * Damages a file where it lies, as broken disks, copies and editors do. It must be no link to one that is needed.
 *
 * @param others whose content may come in its place
 */
export async function damage(path: string, others: readonly string[], random: Random): Promise<Damage> {
  const { size } = await stat(path);
  const kinds = [cut, empty, remove, extend, changeBytes, changeBytes, change];
  if (others.length > 0) kinds.push(exchange);
  const what = await kinds[random.integer(0, kinds.length - 1)]!({ path, size, others, random });
  const after = await stat(path).catch(() => undefined);
  return { what, keepsSize: after?.size === size, isGone: after === undefined };
}

interface Victim {
  readonly path: string;
  readonly size: number;
  readonly others: readonly string[];
  readonly random: Random;
}

async function cut({ path, size, random }: Victim): Promise<string> {
  const left = random.integer(0, Math.max(0, size - 1));
  await truncate(path, left);
  return `cut to ${left} of ${size} bytes`;
}

async function empty({ path }: Victim): Promise<string> {
  await truncate(path);
  return 'emptied';
}

async function remove({ path }: Victim): Promise<string> {
  await rm(path);
  return 'removed';
}

async function extend({ path, random }: Victim): Promise<string> {
  const more = Uint8Array.from({ length: random.integer(1, 4096) }, () => random.integer(0, 255));
  await writeFile(path, more, { flag: 'a' });
  return `longer by ${more.length} bytes`;
}

async function changeBytes({ path, size, random }: Victim): Promise<string> {
  const file = await open(path, 'r+');
  const places: string[] = [];
  try {
    for (let pieces = random.integer(1, 4); pieces > 0 && size > 0; pieces--) {
      // Headers, in which most is of consequence, or anywhere.
      const at = random.integer(0, random.uniform() < 0.3 ? Math.min(size, 4096) - 1 : size - 1);
      const length = Math.min(random.integer(1, 64), size - at);
      await file.write(
        Uint8Array.from({ length }, () => random.integer(0, 255)),
        0,
        length,
        at,
      );
      places.push(`${length} at ${at}`);
    }
  } finally {
    await file.close();
  }
  return `with other bytes, ${places.join(', ')}`;
}

async function exchange({ path, others, random }: Victim): Promise<string> {
  const other = others[random.integer(0, others.length - 1)]!;
  await copyFile(other, path);
  return `with the content of ${basename(other)}`;
}

async function change(victim: Victim): Promise<string> {
  if (victim.size > LARGEST_READ) return changeBytes(victim);
  await writeFile(victim.path, mutate(await readFile(victim.path), victim.random));
  return 'changed in one to four places';
}
