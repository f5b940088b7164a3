import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { f32, i32 } from '../../../packages/compile/test/hostTensors';
import { appProcess } from '../../../tooling/jest/appProcess';
import { answer } from '../src/answer';
import { applyExceptions } from '../src/applyExceptions';
import { startWorker } from '../src/askWorker';
import { difference } from '../src/compareTensors';
import type { Comparison } from '../src/conformance';
import { inMode, joined, type Program, programOf } from '../src/program';
import { recordKernels } from '../src/recordKernels';
import { showProgram } from '../src/showProgram';
import { table } from '../src/table';

describe('two tensors', () => {
  test.each([
    ['NaN for a number', f32([1, Number.NaN]), f32([1, 0])],
    ['a number for NaN', f32([0]), f32([Number.NaN])],
    ['another infinity', f32([Number.POSITIVE_INFINITY]), f32([Number.NEGATIVE_INFINITY])],
    ['the largest number for an infinity', f32([3.4028234663852886e38]), f32([Number.POSITIVE_INFINITY])],
    ['a whole number that float32 does not hold', i32([16777216]), i32([16777217])],
    ['a small number that is lost', f32([0, 1e-3]), f32([1e-8, 1e-3])],
    ['the fourth digit', f32([1.0001]), f32([1])],
    ['another dtype', i32([1]), f32([1])],
    ['another shape', { ...f32([1]), shape: [1, 1] }, f32([1])],
  ])('%s is a difference', (_name, actual, expected) => {
    expect(difference(actual, expected, true)).toBeDefined();
  });

  test.each([
    ['rounding', f32([1.000001]), f32([1])],
    ['what is left of terms that cancel', f32([1, 1e-7]), f32([1, 0])],
    [
      'NaN and infinities',
      f32([Number.NaN, Number.POSITIVE_INFINITY]),
      f32([Number.NaN, Number.POSITIVE_INFINITY]),
    ],
    ['the sign of a zero', f32([-0]), f32([0])],
    ['a number below the normal ones', f32([0]), f32([1e-40])],
  ])('%s is none', (_name, actual, expected) => {
    expect(difference(actual, expected, true)).toBeUndefined();
  });

  test('rounding counts where a kernel is computed again', () => {
    expect(difference(f32([1.000001]), f32([1]), false)).toBe('1.0000009536743164 instead of 1 at 0');
  });

  test('a badly conditioned number may differ by what rounding changes, but not without bound', () => {
    expect(difference(f32([1, 1e-4]), f32([1, 2e-4]), true)).toBeDefined();
    expect(difference(f32([1, 1e-4]), f32([1, 2e-4]), true, [0, 2e-4])).toBeUndefined();
    expect(difference(f32([1, 0]), f32([1, 0.5]), true, [0, 1])).toBeDefined();
  });
});

describe('a recorded program', () => {
  const recorder = recordKernels();
  const record = (compute: () => void): Program => {
    recorder.begin();
    tf.tidy(compute);
    return recorder.end()!;
  };

  beforeAll(() => tf.setBackend('cpu'));

  test('has the kernels behind what was read, and tells tensors apart that share their data', async () => {
    const program = record(() => {
      const x = tf.tensor1d([1, -2, 3, 4]);
      const square = x.reshape([2, 2]);
      square.exp(); // not read
      square.matMul(square).add(x.slice(0, 2)).dataSync();
    });
    expect(program.calls.map(({ kernel }) => kernel)).toEqual(['Reshape', 'BatchMatMul', 'Slice', 'Add']);
    expect(program.leaves).toHaveLength(1);
    expect(Array.from(program.reads[0]!.data as Float32Array)).toEqual([-4, -12, 16, 8]);
    expect(await answer({ program, runner: 'cpu' })).toEqual({ kind: 'equal' });
    expect(showProgram(program)).toContain('k1 = BatchMatMul(a: k0, b: k0)');
  });

  test('is undefined where nothing that was computed was read', () => {
    recorder.begin();
    tf.tidy(() => {
      tf.tensor1d([1]).dataSync();
      tf.tensor1d([1]).exp();
    });
    expect(recorder.end()).toBeUndefined();
  });

  test.each(['inputs', 'constants', 'mixed'] as const)(
    'is equal in an engine, leaves as %s',
    async (mode) => {
      const program = record(() => {
        const condition = tf.tensor1d([true, false], 'bool');
        tf.where(condition, tf.tensor1d([1.5, 2]), tf.tensor1d([Number.NaN, 4])).dataSync();
        tf.tensor1d([5, 6], 'int32').add(1).dataSync();
      });
      const inThisMode = inMode(program, mode)!;
      expect(await answer({ program: inThisMode, runner: 'onnxruntime' })).toEqual({ kind: 'equal' });
    },
  );

  test('and others are one, and part again', async () => {
    const [first, second] = [
      record(() => tf.tensor1d([1, 2]).exp().dataSync()),
      record(() =>
        tf
          .tensor1d([3])
          .add(tf.tensor1d([4]))
          .dataSync(),
      ),
    ];
    const both = joined([first, second]);
    expect(both.reads).toHaveLength(2);
    expect(await answer({ program: both, runner: 'cpu' })).toEqual({ kind: 'equal' });
    expect(programOf(both, [both.reads[1]!])).toEqual(second);
  });

  test('that comes out wrong is told, with the numbers', async () => {
    const program = record(() => tf.tensor1d([1, -2]).relu().dataSync());
    expect(await answer({ program, runner: 'onnxruntime' })).toEqual({ kind: 'equal' });
    const relu = tf.getKernel('Relu', 'beit-recording');
    tf.unregisterKernel('Relu', 'beit-recording');
    try {
      tf.registerKernel({ ...relu, kernelFunc: ({ inputs }) => inputs.x as tf.TensorInfo });
      expect(await answer({ program, runner: 'onnxruntime' })).toEqual({
        kind: 'different',
        message: '-2 instead of 0 at 1',
      });
    } finally {
      tf.unregisterKernel('Relu', 'beit-recording');
      tf.registerKernel(relu);
    }
  });

  test('that fails is refused by name, or an error', async () => {
    const program = record(() =>
      tf
        .complex(tf.tensor1d([1]), tf.tensor1d([2]))
        .abs()
        .dataSync(),
    );
    const refused = await answer({ program, runner: 'onnxruntime' });
    expect(refused).toMatchObject({ kind: 'refused', message: expect.stringContaining('Complex') });
    const relu = record(() => tf.tensor1d([1, -2]).relu().dataSync());
    const broken = { ...relu, calls: [{ ...relu.calls[0]!, inputs: {} }] };
    expect(await answer({ program: broken, runner: 'onnxruntime' })).toMatchObject({ kind: 'error' });
  });
});

test('a process that dies is told, and another one answers the next question', async () => {
  const worker = startWorker(join(__dirname, 'diesOnce.mjs'));
  const question = { program: { leaves: [], calls: [], reads: [] }, runner: 'onnxruntime' } as const;
  try {
    expect(await worker.ask(question)).toEqual({ kind: 'crash', message: 'The process ended: SIGSEGV.' });
    expect(await worker.ask(question)).toEqual({ kind: 'equal' });
  } finally {
    worker.end();
  }
});

describe('exceptions', () => {
  const comparison = (
    test: string,
    runner: 'onnx' | 'openvino',
    kind: 'equal' | 'different',
  ): Comparison => ({
    file: 'ops/relu',
    test,
    runner,
    mode: 'inputs',
    program: { leaves: [], calls: [], reads: [] },
    verdict: kind === 'equal' ? { kind } : { kind, message: '1 instead of 2 at 0' },
  });
  const wrong = comparison('a', 'onnx', 'different');
  const rows = [wrong, comparison('a', 'openvino', 'equal'), comparison('b', 'onnx', 'different')];
  const runners = ['openvino', 'onnx'] as const;

  test('excuse what they name and nothing else', () => {
    const exception = { file: 'ops/relu', test: 'a', runners: ['onnx'], reason: 'because' } as const;
    const { bad, excused, outdated } = applyExceptions(rows, runners, [exception]);
    expect(bad).toEqual([rows[2]]);
    expect([...excused]).toEqual([wrong]);
    expect(outdated).toEqual([]);
    expect(table(rows, runners, excused).split('\n').at(-1)).toMatch(/^all +\| +1 +\| +1 +1$/);
  });

  test('that no longer apply are told', () => {
    const fixed = { file: 'ops/relu', test: 'a', reason: 'it was wrong' };
    const gone = { file: 'ops/relu', test: 'c', runners: ['onnx'], reason: 'it was there' } as const;
    expect(applyExceptions(rows, runners, [fixed, gone]).outdated).toEqual([
      { exception: fixed, runners: ['openvino'] },
      { exception: gone, runners: ['onnx'] },
    ]);
    expect(applyExceptions(rows, ['openvino'], [gone]).outdated).toEqual([]);
  });
});

test('that no test has a name like the one asked for is an error', () => {
  const { status, stderr } = appProcess(join(__dirname, '..')).start('--filter', '^ops/relu: none$');
  expect(stderr).toContain('Nothing was compared.');
  expect(status).toBe(1);
});

test("TensorFlow.js's own tests run, and their numbers are found again", () => {
  const { status, stdout } = appProcess(join(__dirname, '..')).start(
    '--engine',
    'onnxruntime',
    '--filter',
    '^ops/relu: relu (basic|5D)$',
  );
  expect(stdout).toMatch(/^ops\/relu +\| +4$/m);
  expect(stdout).toContain('2 tests, of which TensorFlow.js itself fails 0');
  expect(status).toBe(0);
});
