import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSafetensors } from '@beit/weights';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { openFeatureFile } from '../src/openFeatureFile';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'features-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(name: string): Promise<string[]> {
  const file = await openFeatureFile(join(folder, name));
  file.begin({ features: 'patches' });
  file.append('a.jpg', Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
  file.append('b "c".jpg', Float32Array.of(-1, 0.5, 0, 0, 0, 7), [3, 2]);
  const paths = await file.finish();
  file.dispose();
  return paths.map((path) => path.slice(folder.length + 1));
}

test('rows and names as safetensors', async () => {
  expect(await write('new/f.safetensors')).toEqual(['new/f.safetensors']);
  expect(await readdir(join(folder, 'new'))).toEqual(['f.safetensors']);
  const { tensors, metadata } = await loadSafetensors(join(folder, 'new/f.safetensors'));
  expect(metadata).toEqual({ features: 'patches', names: '["a.jpg","b \\"c\\".jpg"]' });
  expect(tensors.features!.shape).toEqual([2, 3, 2]);
  expect([...tensors.features!.data]).toEqual([1, 2, 3, 4, 5, 6, -1, 0.5, 0, 0, 0, 7]);
});

test('rows as numpy has them, names in a file beside', async () => {
  expect(await write('f.npy')).toEqual(['f.npy', 'f.txt']);
  expect(await readFile(join(folder, 'f.txt'), 'utf8')).toBe('a.jpg\nb "c".jpg\n');
  const bytes = await readFile(join(folder, 'f.npy'));
  expect([...bytes.subarray(0, 8)]).toEqual([0x93, 78, 85, 77, 80, 89, 2, 0]);
  const end = 12 + bytes.readUInt32LE(8);
  expect(end % 64).toBe(0);
  expect(bytes.toString('latin1', 12, end)).toMatch(
    /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3, 2\), \} *\n$/,
  );
  expect(new Float32Array(bytes.buffer.slice(bytes.byteOffset + end))).toHaveLength(12);
  expect(bytes.readFloatLE(end + 4 * 11)).toBe(7);
});

test('rows and names as Parquet', async () => {
  expect(await write('f.parquet')).toEqual(['f.parquet']);
  expect(await readdir(folder)).toEqual(['f.parquet']);
  const file = await asyncBufferFromFile(join(folder, 'f.parquet'));
  expect(await parquetReadObjects({ file })).toEqual([
    {
      name: 'a.jpg',
      features: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    },
    {
      name: 'b "c".jpg',
      features: [
        [-1, 0.5],
        [0, 0],
        [0, 7],
      ],
    },
  ]);
  const { key_value_metadata: about } = await parquetMetadataAsync(file);
  expect(about).toContainEqual({ key: 'features', value: 'patches' });
});

test('many rows come in groups', async () => {
  const path = join(folder, 'many.parquet');
  const file = await openFeatureFile(path);
  file.begin({});
  const row = Float32Array.from({ length: 2 ** 21 }, (_, i) => i % 7);
  for (const name of ['a', 'b', 'c']) file.append(name, row, [row.length]);
  await file.finish();
  file.dispose();
  const buffer = await asyncBufferFromFile(path);
  expect((await parquetMetadataAsync(buffer)).row_groups).toHaveLength(2);
  const [, , last] = await parquetReadObjects({ file: buffer });
  expect([last!.name, last!.features.length, last!.features[8]]).toEqual(['c', 2 ** 21, 1]);
});

test.each(['.npy', '.parquet'])('what was begun as %s and not finished leaves nothing', async (ending) => {
  const file = await openFeatureFile(join(folder, `f${ending}`));
  file.begin({});
  file.append('a.jpg', Float32Array.of(1), [1]);
  file.dispose();
  expect(await readdir(folder)).toEqual([]);
  await expect(openFeatureFile(join(folder, 'f.csv'))).rejects.toThrow(
    /f\.csv'; expected a file that ends with/,
  );
});
