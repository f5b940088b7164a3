import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

export interface Checksum {
  readonly algorithm: 'sha256' | 'md5';
  /** Hexadecimal, in small letters. */
  readonly value: string;
}

/** @returns the checksum of a file, hexadecimal */
export async function checksumOf(path: string, algorithm: Checksum['algorithm']): Promise<string> {
  const hash = createHash(algorithm);
  for await (const piece of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(piece);
  return hash.digest('hex');
}
