import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

export interface Checksum {
  /** `git`: the name that Git gives to a file's content, a sha1. */
  readonly algorithm: 'sha256' | 'md5' | 'git';
  /** Hexadecimal, in small letters. */
  readonly value: string;
}

/** @returns the checksum of a file, hexadecimal */
export async function checksumOf(path: string, algorithm: Checksum['algorithm']): Promise<string> {
  const hash = createHash(algorithm === 'git' ? 'sha1' : algorithm);
  if (algorithm === 'git') hash.update(`blob ${(await stat(path)).size}\0`);
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(piece);
  return hash.digest('hex');
}
