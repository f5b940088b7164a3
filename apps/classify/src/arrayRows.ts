/** Arrays of which nobody knows the length before the last row: rows go to a file beside, the header comes at the end. */
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { writeWhole } from '@beit/cli';
import { writeFileAtomic } from '@beit/weights';
import type { FeatureFile } from './featureFile';

const PIECE = 2 ** 24;

/**
 * One array of float32, `[images, ...]`: `.safetensors` has it as `features`, and the names as a JSON list in its metadata;
 * `.npy` (numpy's format 2.0) has it alone, and the names, one a line, are in a `.txt` file beside.
 */
export function arrayRows(path: string, format: '.safetensors' | '.npy'): FeatureFile {
  const rowsPath = `${path}.${process.pid}.tmp`;
  const rows = openSync(rowsPath, 'w+');
  const names: string[] = [];
  let about: Readonly<Record<string, string>> = {};
  let inner: readonly number[] = [];
  let bytes = 0;
  function* pieces(header: Uint8Array): Generator<Uint8Array> {
    yield header;
    const piece = new Uint8Array(PIECE);
    for (let at = 0; at < bytes; ) {
      const count = readSync(rows, piece, 0, PIECE, at);
      if (count === 0) throw new Error(`'${rowsPath}' ends after ${at} of ${bytes} bytes.`);
      at += count;
      yield piece.subarray(0, count);
    }
  }
  return {
    begin(metadata) {
      about = metadata;
    },
    append(name, row, shape) {
      const data = new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
      for (let done = 0; done < data.length; )
        done += writeSync(rows, data, done, data.length - done, bytes + done);
      bytes += data.length;
      inner = shape;
      names.push(name);
    },
    async finish() {
      const shape = [names.length, ...inner];
      if (format === '.npy') {
        await writeFileAtomic(path, pieces(npyHeader(shape)));
        const namesPath = path.replace(/\.npy$/, '.txt');
        await writeWhole(namesPath, names.map((name) => `${name}\n`).join(''));
        return [path, namesPath];
      }
      const metadata = { ...about, names: JSON.stringify(names) };
      await writeFileAtomic(path, pieces(safetensorsHeader(shape, bytes, metadata)));
      return [path];
    },
    dispose() {
      closeSync(rows);
      rmSync(rowsPath, { force: true });
    },
  };
}

/** Reference: numpy.lib.format, version 2.0, whose length has four bytes. */
function npyHeader(shape: readonly number[]): Uint8Array {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const prefix = 12;
  const length = Math.ceil((prefix + text.length + 1) / 64) * 64 - prefix;
  const header = Buffer.alloc(prefix + length, ' ');
  header.set([0x93, ...Buffer.from('NUMPY'), 2, 0]);
  header.writeUInt32LE(length, 8);
  header.write(text, prefix);
  header.write('\n', header.length - 1);
  return header;
}

/** Reference: huggingface/safetensors, "Format". */
function safetensorsHeader(
  shape: readonly number[],
  bytes: number,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const features = { dtype: 'F32', shape, data_offsets: [0, bytes] };
  const text = Buffer.from(JSON.stringify({ __metadata__: metadata, features }));
  const length = Math.ceil(text.length / 8) * 8;
  const header = Buffer.alloc(8 + length, ' ');
  header.writeBigUInt64LE(BigInt(length));
  header.set(text, 8);
  return header;
}
