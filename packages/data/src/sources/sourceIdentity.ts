import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FolderSource, ImageSource } from './source';

/** What tells images from others without reading them. */
export interface SourceIdentity {
  /** How many. */
  readonly images: number;
  /** A digest of their names and the sizes of their files; of shards, also of the checksums that are known. */
  readonly content: string;
  /** A digest of when the files were changed; copies of files may have other times. */
  readonly times: string;
}

/** Files that are asked for at once. */
const AT_ONCE = 64;

/**
 * Whether images are still those of before, which a run that continues must know: one that was swapped for another is seen
 * by its size, or by its time. A file that cannot be looked at (a link that leads nowhere, a name that is no text) is as one
 * that cannot be read: it has neither.
 */
export async function sourceIdentity(sources: readonly ImageSource[]): Promise<SourceIdentity> {
  const [content, times] = [createHash('sha256'), createHash('sha256')];
  let images = 0;
  for (const source of sources) {
    images += source.names.length;
    for (const name of source.names) content.update(`${name}\n`);
    if (source.kind === 'folder') {
      for await (const file of filesOf(source)) {
        content.update(`${file?.size}\n`);
        times.update(`${file?.mtimeMs}\n`);
      }
    } else if (source.kind === 'shards') {
      for (const { location, bytes, checksum } of source.shards)
        content.update(`${JSON.stringify([basename(location), bytes, checksum])}\n`);
    }
  }
  const short = (hash: typeof content) => hash.digest('hex').slice(0, 32);
  return { images, content: short(content), times: short(times) };
}

async function* filesOf({ directory, names }: FolderSource) {
  for (let first = 0; first < names.length; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, names.length - first) }, (_, i) =>
      stat(join(directory, names.at(first + i)!)).catch(() => undefined),
    );
    yield* await Promise.all(some);
  }
}
