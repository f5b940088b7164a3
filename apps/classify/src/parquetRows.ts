import { renameSync, rmSync } from 'node:fs';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import type { FeatureFile } from './featureFile';

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];

/** Rows are written in groups of so many numbers. */
const GROUP_NUMBERS = 2 ** 22;

/**
 * A Parquet file with the columns `name` and `features`, a list of float32, or for patches a list of such lists, as pyarrow
 * and Hugging Face's `datasets` read them; a row for each picture, written group by group.
 */
export function parquetRows(path: string): FeatureFile {
  const temporary = `${path}.${process.pid}.tmp`;
  let writer: ParquetWriter | undefined;
  let about: readonly { key: string; value: string }[] = [];
  let names: string[] = [];
  let rows: (readonly number[] | readonly (readonly number[])[])[] = [];
  let numbers = 0;
  const flush = () => {
    if (!writer || names.length === 0) return;
    writer.write({
      columnData: [
        { name: 'name', data: names },
        { name: 'features', data: rows },
      ],
      rowGroupSize: names.length,
    });
    [names, rows, numbers] = [[], [], 0];
  };
  return {
    begin(metadata) {
      about = Object.entries(metadata).map(([key, value]) => ({ key, value }));
    },
    append(name, row, shape) {
      writer ??= new ParquetWriter({
        writer: fileWriter(temporary),
        schema: schemaOf(shape.length),
        kvMetadata: [...about],
        createdBy: 'beit',
      });
      names.push(name);
      rows.push(nested(row, shape));
      numbers += row.length;
      if (numbers >= GROUP_NUMBERS) flush();
    },
    async finish() {
      flush();
      await writer?.finish();
      renameSync(temporary, path);
      return [path];
    },
    dispose: () => rmSync(temporary, { force: true }),
  };
}

const nested = (row: Float32Array, shape: readonly number[]) => {
  const width = shape.at(-1)!;
  if (shape.length === 1) return Array.from(row);
  return Array.from({ length: row.length / width }, (_, i) =>
    Array.from(row.subarray(i * width, (i + 1) * width)),
  );
};

/** Lists within lists. Reference: apache/parquet-format LogicalTypes.md, "Lists". */
function schemaOf(depth: number): Schema {
  const list = (name: string, inner: Schema): Schema => [
    { name, repetition_type: 'REQUIRED', converted_type: 'LIST', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    ...inner,
  ];
  const element: Schema = [{ name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' }];
  return [
    { name: 'root', num_children: 2 },
    { name: 'name', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
    ...list('features', depth === 1 ? element : list('element', element)),
  ];
}
