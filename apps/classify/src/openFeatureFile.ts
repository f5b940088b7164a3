import { dirname, extname } from 'node:path';
import { UsageError } from '@beit/cli';
import { makeFolder } from '@beit/tensors';
import { arrayRows } from './arrayRows';
import type { FeatureFile } from './featureFile';
import { parquetRows } from './parquetRows';

/** By the ending of the file. */
const FORMATS = ['.safetensors', '.npy', '.parquet'] as const;

/** @throws UsageError for another ending than these */
export function featureFormat(path: string): (typeof FORMATS)[number] {
  const format = FORMATS.find((format) => format === extname(path));
  if (format === undefined)
    throw new UsageError(`--out is '${path}'; expected a file that ends with ${FORMATS.join(', ')}.`);
  return format;
}

/** Begins a file, in a folder that is made where it is missing. @throws UsageError as `featureFormat` */
export async function openFeatureFile(path: string): Promise<FeatureFile> {
  const format = featureFormat(path);
  await makeFolder(dirname(path));
  return format === '.parquet' ? parquetRows(path) : arrayRows(path, format);
}
