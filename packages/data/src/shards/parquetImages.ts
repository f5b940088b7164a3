import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import { ShardError } from './shardError';

/** Which columns of a Parquet file are images and classes, as Hugging Face's datasets write them. */
export interface ParquetImages {
  readonly rows: number;
  readonly image: string;
  readonly label?: string;
  /** Names of the classes. */
  readonly classes?: readonly string[];
  readonly metadata: FileMetaData;
}

/** The features of a data set: the part of its description that is used. */
interface Features {
  readonly [column: string]: { readonly _type?: string; readonly names?: readonly string[] };
}

/**
 * Reads what a Parquet file holds from its last bytes.
 *
 * @throws ShardError when no column has images as structs of `bytes` and `path`, or the rows do not add up; what hyparquet
 *   throws when it is no Parquet file
 */
export async function parquetImages(file: AsyncBuffer, name: string): Promise<ParquetImages> {
  const { parquetMetadataAsync, parquetSchema } = await import('hyparquet');
  const metadata = await parquetMetadataAsync(file);
  const columns = parquetSchema(metadata).children;
  const image = columns.find(({ children }) => children.some((child) => child.element.name === 'bytes'));
  if (!image) {
    const found = columns.map(({ element }) => `'${element.name}'`).join(', ');
    throw new ShardError(
      `'${name}' has no column of images, which are structs with 'bytes'; its columns are ${found}.`,
    );
  }
  const features = featuresOf(metadata);
  const label = columns.find(
    ({ element: { name: column } }) => features[column]?._type === 'ClassLabel' || column === 'label',
  )?.element.name;
  const names = label === undefined ? undefined : features[label]?.names;
  const isNames = Array.isArray(names) && names.every((one) => typeof one === 'string');
  return {
    rows: rowsOf(metadata, file.byteLength, name),
    image: image.element.name,
    ...(label !== undefined && { label }),
    ...(isNames && { classes: names }),
    metadata,
  };
}

/** An image has a byte of its own at least, even where all are alike. */
function rowsOf({ num_rows, row_groups }: FileMetaData, bytes: number, name: string): number {
  const rows = Number(num_rows);
  const counts = row_groups.map((group) => Number(group.num_rows));
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0) || all !== rows || rows > bytes)
    throw new ShardError(
      `'${name}' is damaged: it has ${bytes} bytes, and says ${num_rows} rows, of which its groups have ${all}.`,
    );
  return rows;
}

/** The library `datasets` leaves a description in the file. */
function featuresOf({ key_value_metadata }: FileMetaData): Features {
  const text = key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  if (text === undefined) return {};
  try {
    const { info } = JSON.parse(text) as { info?: { features?: Features } };
    return info?.features ?? {};
  } catch {
    return {};
  }
}

/** The rows `rowStart` to before `rowEnd` of one column. @throws ShardError when there are other than so many */
export async function parquetColumn(
  file: AsyncBuffer,
  metadata: FileMetaData,
  column: string,
  rowStart: number,
  rowEnd: number,
): Promise<unknown[]> {
  const { parquetReadObjects } = await import('hyparquet');
  const { PARQUET_CODECS } = await import('./parquetCodecs');
  const rows = await parquetReadObjects({
    file,
    metadata,
    columns: [column],
    rowStart,
    rowEnd,
    utf8: false,
    compressors: PARQUET_CODECS,
  });
  if (rows.length !== rowEnd - rowStart)
    throw new ShardError(`its column '${column}' has ${rows.length} of the rows ${rowStart} to ${rowEnd}`);
  return rows.map((row) => row[column]);
}

/**
 * The class of every row, read without the images.
 *
 * @throws ShardError for a row that has none: it names it
 */
export async function parquetLabels(
  file: AsyncBuffer,
  { label, metadata, rows }: ParquetImages,
  name: string,
): Promise<Int32Array | undefined> {
  if (label === undefined) return undefined;
  const values = await parquetColumn(file, metadata, label, 0, rows);
  return Int32Array.from(values, (value, row) => {
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (typeof number !== 'number' || (number | 0) !== number)
      throw new ShardError(
        `'${name}' says that the class of row ${row} is ${value}; expected a whole number, -1 for none.`,
      );
    return number;
  });
}
