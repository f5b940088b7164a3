/** Programs that OpenVINO keeps, where several processes share them. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { compile } from '../src';
import { withProgramCache } from '../src/engines/openvino/programCache';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'programs-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As OpenVINO does: reads what is kept, or writes it in two halves, between which `meanwhile` happens. */
const compiling =
  (name: string, meanwhile = () => {}) =>
  (own = 'nowhere') => {
    const path = join(own, name);
    if (existsSync(path) && readFileSync(path, 'utf8') !== 'damaged') return readFileSync(path, 'utf8');
    rmSync(path, { force: true });
    writeFileSync(path, 'half');
    meanwhile();
    writeFileSync(path, 'half and half');
    return 'made';
  };

test('a program is made once and read afterwards', async () => {
  expect(await withProgramCache(compiling('1.blob'), folder)).toBe('made');
  expect(await withProgramCache(compiling('1.blob'), folder)).toBe('half and half');
  expect(readdirSync(folder)).toEqual(['1.blob']);
});

test('nobody sees a program that is half written', async () => {
  await withProgramCache(
    compiling('1.blob', () => {
      expect(existsSync(join(folder, '1.blob'))).toBe(false);
    }),
    folder,
  );
  // Written again by a process that began when there was none: what others have opened stays as it is.
  const opened = await withProgramCache((own = 'nowhere') => {
    rmSync(join(own, '1.blob'));
    return compiling('1.blob', () => {
      expect(readFileSync(join(folder, '1.blob'), 'utf8')).toBe('half and half');
    })(own);
  }, folder);
  expect(opened).toBe('made');
});

test('several at once keep what each made', async () => {
  const names = ['1.blob', '2.blob', '1.blob', '3.blob', '2.blob'];
  await Promise.all(names.map((name) => withProgramCache(compiling(name), folder)));
  expect(readdirSync(folder).sort()).toEqual(['1.blob', '2.blob', '3.blob']);
});

test('what is damaged is made again and kept', async () => {
  writeFileSync(join(folder, '1.blob'), 'damaged');
  expect(await withProgramCache(compiling('1.blob'), folder)).toBe('made');
  expect(readFileSync(join(folder, '1.blob'), 'utf8')).toBe('half and half');
});

test('a program that does not compile leaves nothing', async () => {
  const failing = withProgramCache(() => {
    throw new Error('no such layer');
  }, folder);
  await expect(failing).rejects.toThrow('no such layer');
  expect(readdirSync(folder)).toEqual([]);
});

test('where no folder can be made, nothing is kept', async () => {
  writeFileSync(join(folder, 'file'), '');
  expect(await withProgramCache((own) => ({ own }), join(folder, 'file', 'programs'))).toEqual({
    own: undefined,
  });
});

whereInstalled('OpenVINO', () => {
  test('OpenVINO reads what it made', async () => {
    const twice = () =>
      compile(
        (state, { x }: Record<'x', tf.Tensor>) => ({ state, outputs: { y: x.mul(2) } }),
        { state: {}, inputs: { x: { dtype: 'float32', shape: [3] } } },
        { engine: 'openvino', numThreads: 1, programCache: folder },
      );
    const kept = () => readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mtimeMs]);
    const numbers = [];
    const programs = [];
    for (let i = 0; i < 2; i++) {
      const program = await twice();
      numbers.push((await program.run({ x: tf.tensor1d([1, 2, 3]) })).y.data);
      await program.dispose();
      programs.push(kept());
    }
    expect(programs[0]).toEqual([[expect.stringMatching(/\.blob$/), expect.any(Number)]]);
    expect(programs[1]).toEqual(programs[0]);
    expect(numbers).toEqual([new Float32Array([2, 4, 6]), new Float32Array([2, 4, 6])]);
  });
});

test('the newest are kept, and folders of killed processes are removed', async () => {
  for (let i = 0; i < 40; i++) {
    writeFileSync(join(folder, `${i}.blob`), '');
    utimesSync(join(folder, `${i}.blob`), i, i);
  }
  await mkdir(join(folder, 'compiling-long-ago'));
  utimesSync(join(folder, 'compiling-long-ago'), 1, 1);
  await mkdir(join(folder, 'compiling-now'));
  await withProgramCache(compiling('new.blob'), folder);
  const newest = Array.from({ length: 31 }, (_, i) => `${i + 9}.blob`);
  expect(readdirSync(folder).sort()).toEqual([...newest, 'compiling-now', 'new.blob'].sort());
});
