import { open, rename, rm } from 'node:fs/promises';
import { damageOf } from './damageOf';
import { openParquetFile } from './parquetFile';
import { parquetColumn, parquetImages } from './parquetImages';
import { ShardError } from './shardError';
import { MOST_ENTRY_BYTES, TAR_END, tarHeader, tarPadding } from './tarEntries';

/**
 * Writes the images of a Parquet file into a tar file, in the order of its rows: a row cannot be read alone, and
 * images of a window are read in any order.
 *
 * @throws ShardError when the file is none, is damaged, or has a row without an image
 */
export async function unpackParquet(path: string, archive: string): Promise<void> {
  const file = await openParquetFile(path);
  const part = `${archive}.part`;
  try {
    const { image, metadata } = await parquetImages(file, path);
    const output = await open(part, 'w');
    try {
      let row = 0;
      for (const { num_rows } of metadata.row_groups) {
        const rowEnd = row + Number(num_rows);
        const damaged = (cause: Error) => {
          throw new ShardError(`'${path}' is damaged in the rows ${row} to ${rowEnd}: ${damageOf(cause)}.`, {
            cause,
          });
        };
        for (const one of await parquetColumn(file, metadata, image, row, rowEnd).catch(damaged)) {
          const bytes = (one as { bytes?: unknown } | null | undefined)?.bytes;
          if (!(bytes instanceof Uint8Array) || bytes.length > MOST_ENTRY_BYTES)
            throw new ShardError(`'${path}' has no image in row ${row}.`);
          await output.writev([tarHeader(`${row}.jpg`, bytes.length), bytes, tarPadding(bytes.length)]);
          row++;
        }
      }
      await output.write(TAR_END);
    } finally {
      await output.close();
    }
    await rename(part, archive);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  } finally {
    file.close();
  }
}
