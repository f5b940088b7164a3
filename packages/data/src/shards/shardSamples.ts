import { closeSync, readSync } from 'node:fs';
import { IMAGE_EXTENSIONS } from '../sources/imageExtensions';
import { openArchive } from './openArchive';
import { ShardError } from './shardError';
import { type TarEntry, tarEntries } from './tarEntries';

/** Files of one name and several extensions, one after the other in an archive, as WebDataset has them. */
export interface ShardSample {
  /** The path up to the first dot of the file's name. */
  readonly key: string;
  readonly image: TarEntry;
  /** With the extension `.cls`: a number in decimals. */
  readonly label?: TarEntry;
}

/**
 * The samples of a tar file: all that have an image.
 *
 * @throws ShardError when `tarEntries` does, or a sample has two images
 */
export function shardSamples(archive: string): ShardSample[] {
  const samples: ShardSample[] = [];
  let files: { key: string; image?: TarEntry; label?: TarEntry } | undefined;
  const finish = () => {
    if (files?.image) samples.push({ ...files, image: files.image });
  };
  for (const entry of tarEntries(archive)) {
    const { key, extension } = splitPath(entry.path);
    if (key !== files?.key) {
      finish();
      files = { key };
    }
    if (extension === 'cls') files.label = entry;
    else if (IMAGE_EXTENSIONS.includes(`.${extension}`)) {
      if (files.image) {
        throw new ShardError(`'${archive}' has two images of '${key}'; expected one for each name.`);
      }
      files.image = entry;
    }
  }
  finish();
  return samples;
}

function splitPath(path: string): { key: string; extension: string } {
  const [, key = '', extension = ''] = /^((?:.*\/)?[^/.]*)\.?([^/]*)$/s.exec(path)!;
  return { key, extension: extension.toLowerCase() };
}

/** The class of every sample; undefined where a sample has none. @throws ShardError for one that is no number */
export function shardLabels(archive: string, samples: readonly ShardSample[]): Int32Array | undefined {
  if (!samples.every(({ label }) => label)) return undefined;
  const { file } = openArchive(archive);
  try {
    return Int32Array.from(samples, ({ key, label }) => {
      const buffer = Buffer.alloc(Math.min(label!.size, 32));
      readSync(file, buffer, 0, buffer.length, label!.offset);
      const text = buffer.toString('latin1').trim();
      if (!/^-?\d{1,9}$/.test(text)) {
        throw new ShardError(
          `'${archive}' says that the class of '${key}' is '${text}'; expected its number.`,
        );
      }
      return Number(text);
    });
  } finally {
    closeSync(file);
  }
}
