/** Programs that OpenVINO keeps, where several processes share them. */
import { createHash } from 'node:crypto';
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

const KEY = 'a'.repeat(64);
/** As a program of that content is kept. */
const keptAs = (name: string, content: string | Buffer, key = KEY) =>
  `${key}-${name}-${createHash('sha256').update(content).update('\0').digest('hex')}.blob`;

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
  expect(await withProgramCache(KEY, compiling('1.blob'), folder)).toBe('made');
  expect(await withProgramCache(KEY, compiling('1.blob'), folder)).toBe('half and half');
  expect(readdirSync(folder)).toEqual([keptAs('1', 'half and half')]);
});

test('nobody sees a program that is half written', async () => {
  await withProgramCache(
    KEY,
    compiling('1.blob', () => {
      expect(readdirSync(folder).filter((name) => name.endsWith('.blob'))).toEqual([]);
    }),
    folder,
  );
  // Written again by a process that began when there was none: what others have opened stays as it is.
  const opened = await withProgramCache(
    KEY,
    (own = 'nowhere') => {
      rmSync(join(own, '1.blob'));
      return compiling('1.blob', () => {
        expect(readFileSync(join(folder, keptAs('1', 'half and half')), 'utf8')).toBe('half and half');
      })(own);
    },
    folder,
  );
  expect(opened).toBe('made');
});

test('several at once keep what each made', async () => {
  const names = ['1.blob', '2.blob', '1.blob', '3.blob', '2.blob'];
  await Promise.all(names.map((name) => withProgramCache(KEY, compiling(name), folder)));
  expect(readdirSync(folder).sort()).toEqual(['1', '2', '3'].map((name) => keptAs(name, 'half and half')));
});

test.each([
  ['a byte is another one', 'half amd half'],
  ['the end is missing', 'half and'],
  ['there is nothing in it', ''],
])('where %s, nobody sees it, and the program is made again and kept', async (_, content) => {
  const kept = keptAs('1', 'half and half');
  writeFileSync(join(folder, kept), content);
  expect(await withProgramCache(KEY, compiling('1.blob'), folder)).toBe('made');
  expect(readdirSync(folder)).toEqual([kept]);
  expect(readFileSync(join(folder, kept), 'utf8')).toBe('half and half');
});

test('what has no checksum, or is of another program, is not seen', async () => {
  writeFileSync(join(folder, '1.blob'), 'half and half');
  writeFileSync(join(folder, keptAs('1', 'half and half', 'b'.repeat(64))), 'half and half');
  expect(await withProgramCache(KEY, compiling('1.blob'), folder)).toBe('made');
});

test('of two that differ the newer is taken', async () => {
  for (const [content, changed] of [
    ['older', 1],
    ['newer', 2],
  ] as const) {
    writeFileSync(join(folder, keptAs('1', content)), content);
    utimesSync(join(folder, keptAs('1', content)), changed, changed);
  }
  expect(await withProgramCache(KEY, compiling('1.blob'), folder)).toBe('newer');
  expect(readdirSync(folder)).toHaveLength(2);
});

test('a program that does not compile leaves nothing', async () => {
  const failing = withProgramCache(
    KEY,
    () => {
      throw new Error('no such layer');
    },
    folder,
  );
  await expect(failing).rejects.toThrow('no such layer');
  expect(readdirSync(folder)).toEqual([]);
});

test('where no folder can be made, nothing is kept', async () => {
  writeFileSync(join(folder, 'file'), '');
  expect(await withProgramCache(KEY, (own) => ({ own }), join(folder, 'file', 'programs'))).toEqual({
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
    expect(programs[0]).toEqual([
      [expect.stringMatching(/^[0-9a-f]{64}-\d+-[0-9a-f]{64}\.blob$/), expect.any(Number)],
    ]);
    expect(programs[1]).toEqual(programs[0]);
    expect(numbers).toEqual([new Float32Array([2, 4, 6]), new Float32Array([2, 4, 6])]);

    // Damaged where it is read first, in the middle, and at its end: OpenVINO itself would take some of these.
    const name = String(programs[0]![0]![0]);
    const whole = readFileSync(join(folder, name));
    for (const at of [0, whole.length >> 1, whole.length - 1]) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 1;
      writeFileSync(join(folder, name), damaged);
      const program = await twice();
      expect((await program.run({ x: tf.tensor1d([1, 2, 3]) })).y.data).toEqual(numbers[0]);
      await program.dispose();
      const [remade, ...others] = readdirSync(folder);
      expect(others).toEqual([]);
      const content = readFileSync(join(folder, remade!));
      expect(content).not.toEqual(damaged);
      expect(remade).toBe(keptAs(name.split('-')[1]!, content, name.slice(0, 64)));
      rmSync(join(folder, remade!));
    }
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
  await withProgramCache(KEY, compiling('new.blob'), folder);
  const newest = Array.from({ length: 31 }, (_, i) => `${i + 9}.blob`);
  expect(readdirSync(folder).sort()).toEqual(
    [...newest, 'compiling-now', keptAs('new', 'half and half')].sort(),
  );
});
