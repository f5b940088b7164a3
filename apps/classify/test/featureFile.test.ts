import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSafetensors } from '@beit/weights';
import { openFeatureFile } from '../src/featureFile';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'features-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(name: string): Promise<string[]> {
  const file = await openFeatureFile(join(folder, name));
  file.append('a.jpg', Float32Array.of(1, 2, 3, 4, 5, 6));
  file.append('b "c".jpg', Float32Array.of(-1, 0.5, 0, 0, 0, 7));
  const paths = await file.finish([3, 2], { features: 'patches' });
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

test('what was begun and not finished leaves nothing', async () => {
  const file = await openFeatureFile(join(folder, 'f.npy'));
  file.append('a.jpg', Float32Array.of(1));
  file.dispose();
  expect(await readdir(folder)).toEqual([]);
  await expect(openFeatureFile(join(folder, 'f.csv'))).rejects.toThrow(
    /f\.csv'; expected a file that ends with/,
  );
});
