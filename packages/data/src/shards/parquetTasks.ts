import { openParquetFile } from './parquetFile';
import { parquetImages, parquetLabels } from './parquetImages';
import { unpackParquet } from './unpackParquet';

/** What an index says of a Parquet file. */
export interface IndexedParquet {
  readonly rows: number;
  readonly bytes: number;
  readonly labels?: Int32Array;
  readonly classes?: readonly string[];
}

/** What is done with Parquet files, in a process of its own: see `withParquet.ts`. */
export const PARQUET_TASKS = {
  /** What is in a file, here or on a server. */
  async index(location: string): Promise<IndexedParquet> {
    const file = await openParquetFile(location);
    try {
      const images = await parquetImages(file, location);
      const labels = await parquetLabels(file, images, location);
      const { rows, classes } = images;
      return { rows, bytes: file.byteLength, ...(labels && { labels }), ...(classes && { classes }) };
    } finally {
      file.close();
    }
  },
  unpack: unpackParquet,
};

export type ParquetTasks = typeof PARQUET_TASKS;
