import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import { ShardError } from './shardError';

/** What a Parquet file with images holds, as Hugging Face's datasets write them. */
export interface ParquetImages {
  readonly rows: number;
  /** Columns of images and of classes. */
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
 * @throws ShardError when it is no Parquet file, or no column has images as structs of `bytes` and `path`
 */
export async function parquetImages(file: AsyncBuffer, name: string): Promise<ParquetImages> {
  const { parquetMetadataAsync, parquetSchema } = await import('hyparquet');
  const metadata = await parquetMetadataAsync(file).catch((cause: Error) => {
    throw new ShardError(`'${name}' is no Parquet file that can be read: ${cause.message}.`, { cause });
  });
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
    rows: Number(metadata.num_rows),
    image: image.element.name,
    ...(label !== undefined && { label }),
    ...(isNames && { classes: names }),
    metadata,
  };
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

/** The class of every row, read without the images. */
export async function parquetLabels(
  file: AsyncBuffer,
  { label, metadata }: ParquetImages,
): Promise<Int32Array | undefined> {
  if (label === undefined) return undefined;
  const { parquetReadObjects } = await import('hyparquet');
  const rows = await parquetReadObjects({ file, metadata, columns: [label] });
  return Int32Array.from(rows, (row) => Number(row[label]));
}
