import { readFileSync } from 'node:fs';
import vm from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import { exportOnnx, trace } from '../src';

tf.enableProdMode();

type Tensors = Record<string, tf.Tensor>;
const X = { x: { dtype: 'float32', shape: [2, 3] } } as const;
const traced = (f: (x: tf.Tensor) => tf.Tensor) =>
  trace((state: Tensors, { x }: Record<'x', tf.Tensor>) => ({ state, outputs: { y: f(x) } }), {}, X);

function errorOf(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('Nothing was thrown.');
}
/** The line of this file that an error names. */
function namedLine(message: string): string {
  const [, file, line] =
    /Called at (?:[^()]* \()?([^()]*callSite\.test\.ts):(\d+):\d+\)?\./.exec(message) ?? [];
  if (file === undefined) throw new Error(`No line of this file in: ${message}`);
  return readFileSync(file, 'utf8').split('\n')[Number(line) - 1]!.trim();
}

/** Of TensorFlow.js's ops one that has no recording. */
const refused = (x: tf.Tensor) => tf.unique(x.flatten()).values;

/** A layer within as many models as asked for. */
function layered(f: (x: tf.Tensor) => tf.Tensor, models: number): tf.layers.Layer {
  class Calling extends tf.layers.Layer {
    static className = 'Calling';
    override call = (inputs: tf.Tensor | tf.Tensor[]) => f([inputs].flat()[0]!);
    override computeOutputShape = (shape: tf.Shape | tf.Shape[]) => shape;
  }
  let layer: tf.layers.Layer = new Calling({ inputShape: [3] });
  for (let i = 0; i < models; i++) layer = tf.sequential({ layers: [layer] });
  return layer;
}

const dense = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
const weight = tf.variable(tf.scalar(2), true, 'weight');
const custom = tf.customGrad((x, save) => {
  (save as (saved: tf.Tensor[]) => void)([x as tf.Tensor]);
  return {
    value: (x as tf.Tensor).square(),
    gradFunc: (dy: tf.Tensor) => tf.unique(dy).values,
  };
});

test.each<[string, string, RegExp, (x: tf.Tensor) => tf.Tensor]>([
  ['an op without a recording', "'Unique'", /^const refused =/, refused],
  ['a gradient', "'Unique'", /^const refused =/, (x) => tf.grad((x) => refused(x))(x)],
  ['a gradient function', "'Unique'", /^gradFunc:/, (x) => tf.grad((x) => custom(x).sum())(x.flatten())],
  [
    'an op of a gradient',
    "'Multiply'",
    /tf\.grad\(\(x\) => x\.mul\(weight\)\)/,
    (x) => tf.grad((x) => x.mul(weight))(x),
  ],
  [
    'a stack deeper than engines keep',
    "'Unique'",
    /^const refused =/,
    (x) => layered(refused, 8).apply(x) as tf.Tensor,
  ],
  [
    "TensorFlow.js's own layers",
    "variable 'dense",
    /^\(x\) => dense\.apply\(x\)/,
    (x) => dense.apply(x) as tf.Tensor,
  ],
  ['an operand that is refused', "'Multiply'", /x\.mul\(weight\)/, (x) => x.mul(weight)],
  [
    'an assignment',
    "variable 'weight'",
    /weight\.assign/,
    (x) => {
      weight.assign(x.sum() as tf.Scalar);
      return x;
    },
  ],
  [
    'numbers that are read',
    "result of 'Exp'",
    /x\.exp\(\)\.dataSync/,
    (x) => tf.scalar(x.exp().dataSync()[0]!),
  ],
  [
    'numbers that are waited for',
    "result of 'Exp'",
    /x\.exp\(\)\.data\(\)/,
    (x) => {
      void x.exp().data();
      return x;
    },
  ],
  ['a dtype', "'string'", /tf\.tensor1d\(\['a'\]\)/, (x) => x.equal(tf.tensor1d(['a']))],
])('%s names the op and the line that called it', (_, what, line, f) => {
  const before = tf.memory().numTensors;
  const message = errorOf(() => traced(f));
  expect(message).toContain(what);
  expect(namedLine(message)).toMatch(line);
  expect(message.match(/Called at/g)).toHaveLength(1);
  expect(tf.memory().numTensors).toBe(before);
  expect(weight.dataSync()[0]).toBe(2);
});

test('a folder that is called like TensorFlow.js is no part of it', () => {
  const filename = '/home/tfjs/record/kernels/step.js';
  const f = vm.runInThisContext('(tf, x) => tf.unique(x.flatten()).values', { filename });
  expect(errorOf(() => traced((x) => f(tf, x)))).toMatch(
    /Called at \/home\/tfjs\/record\/kernels\/step\.js:1:\d+\./,
  );
});

test('a function that is exported is told so as well', async () => {
  const fn = (_: Tensors, { x }: Record<'x', tf.Tensor>) => ({ y: refused(x) });
  const message = await exportOnnx(fn, { params: {}, inputs: X }).catch((error: Error) => error.message);
  expect(namedLine(message as string)).toMatch(/^const refused =/);
});

test('the stack is kept as long, and shown, as before', () => {
  const prepare = () => 'prepared';
  const { stackTraceLimit, prepareStackTrace } = Error;
  try {
    Object.assign(Error, { stackTraceLimit: 3, prepareStackTrace: prepare });
    errorOf(() => traced(refused));
    expect([Error.stackTraceLimit, Error.prepareStackTrace]).toEqual([3, prepare]);
  } finally {
    Object.assign(Error, { stackTraceLimit, prepareStackTrace });
  }
});
