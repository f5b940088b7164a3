import { mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NamedTensors } from '@beit/tensors';
import { loadSafetensors, loadSafetensorsHeader } from '../src/loadSafetensors';
import { saveSafetensors } from '../src/saveSafetensors';
import { serializeSafetensors } from '../src/serializeSafetensors';
import { writeFileAtomic } from '../src/writeFileAtomic';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weights-'));
});
afterEach(() => rm(folder, { recursive: true }));

const tensors: NamedTensors = {
  weight: { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, -2, Number.NaN, 1e-40) },
  ids: { dtype: 'int32', shape: [3], data: Int32Array.of(1, 2, 3) },
  mask: { dtype: 'uint8', shape: [3], data: Uint8Array.of(0, 1, 1) },
  scalar: { dtype: 'float32', shape: [], data: Float32Array.of(5) },
  none: { dtype: 'float32', shape: [0, 4], data: new Float32Array(0) },
};

test('a saved file is what serializeSafetensors gives, and loads back', async () => {
  const path = join(folder, 'x.safetensors');
  await saveSafetensors(path, tensors, { step: '3' });
  expect(new Uint8Array(await readFile(path))).toEqual(serializeSafetensors(tensors, { step: '3' }));
  const loaded = await loadSafetensors(path);
  expect({ ...loaded.tensors }).toEqual(tensors);
  expect({ ...loaded.metadata }).toEqual({ step: '3' });
  expect(await readdir(folder)).toEqual(['x.safetensors']);
});

test('select reads some tensors only; the header alone can be read', async () => {
  const path = join(folder, 'x.safetensors');
  await saveSafetensors(path, tensors);
  const { tensors: loaded } = await loadSafetensors(path, { select: (name) => name === 'ids' });
  expect({ ...loaded }).toEqual({ ids: tensors.ids });
  const header = await loadSafetensorsHeader(path);
  expect(header.tensors.map(({ name }) => name).sort()).toEqual(Object.keys(tensors).sort());
});

test('the reference implementation wrote this file', async () => {
  const { tensors: fixture, metadata } = await loadSafetensors('fixtures/adamw.safetensors');
  expect(metadata.betas).toBe('[0.9, 0.999]');
  expect(fixture['param0.pos_embed']).toMatchObject({ dtype: 'float32', shape: [1, 5, 4] });
});

test('every truncation is an error that names the path', async () => {
  const path = join(folder, 'x.safetensors');
  const whole = serializeSafetensors(tensors);
  for (let length = 0; length < whole.length; length += 7) {
    await writeFile(path, whole.subarray(0, length));
    await expect(loadSafetensors(path)).rejects.toThrow(path);
  }
});

test('a header that promises more than the file holds takes no memory', async () => {
  const path = join(folder, 'x.safetensors');
  const side = 2 ** 40;
  const header = JSON.stringify({ x: { dtype: 'U8', shape: [side], data_offsets: [0, side] } });
  const bytes = Buffer.alloc(8 + header.length + 16);
  bytes.writeBigUInt64LE(BigInt(header.length));
  bytes.write(header, 8);
  await writeFile(path, bytes);
  await expect(loadSafetensors(path)).rejects.toThrow(/truncated/);
  // A header length of 10 GB in a file that really has 20 GB (a sparse one): beyond the cap.
  bytes.writeBigUInt64LE(BigInt(10 * 2 ** 30));
  await writeFile(path, bytes);
  await truncate(path, 20 * 2 ** 30);
  await expect(loadSafetensors(path)).rejects.toThrow(/at most/);
});

test('what is not a regular file is refused', async () => {
  await expect(loadSafetensors(folder)).rejects.toThrow(/regular file|EISDIR/);
  await symlink('/dev/zero', join(folder, 'zero'));
  await expect(loadSafetensors(join(folder, 'zero'))).rejects.toThrow(/regular file/);
  await expect(loadSafetensors(join(folder, 'nothing'))).rejects.toThrow(/ENOENT/);
});

describe('atomic writing', () => {
  const failing = function* () {
    yield Uint8Array.of(1, 2, 3);
    throw new Error('no more');
  };

  test('a failure half-way leaves the old file and no other', async () => {
    const path = join(folder, 'x');
    await writeFileAtomic(path, [Uint8Array.of(9)]);
    await expect(writeFileAtomic(path, failing())).rejects.toThrow(`Cannot write ${path}: no more`);
    expect([...(await readFile(path))]).toEqual([9]);
    expect(await readdir(folder)).toEqual(['x']);
  });

  test('a folder that does not exist is an error that names the path', async () => {
    await expect(saveSafetensors(join(folder, 'no', 'x.safetensors'), tensors)).rejects.toThrow(
      /no\/x\.safetensors: ENOENT/,
    );
  });
});
