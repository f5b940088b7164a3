import type { HostTensor, NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { type ExportInput, encodeOnnx, exportOnnx } from '../src';
import { readOnnx } from './readOnnx';
import { runOnnx } from './runOnnx';

tf.enableProdMode();
tf.setBackend('cpu');

type Tensors = Record<string, tf.Tensor>;
let drawnSoFar = 0;
const drawn = (...shape: number[]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.sin((++drawnSoFar) ** 2)),
});
const eager = (tensors: NamedTensors): Tensors =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, t]) => [name, tf.tensor(t.data, [...t.shape], t.dtype as 'float32')]),
  );

/** A layer of attention and what else has a form of its own in a file that must be portable. */
function layer(params: Tensors, { x, ids }: Tensors): Tensors {
  const [batch, tokens, width] = x!.shape as [number, number, number];
  const begun = tf.concat([tf.tile(params.first!, [batch, 1, 1]), x!], 1);
  const heads = tf.transpose(tf.reshape(begun, [batch, tokens + 1, 2, width / 2]), [0, 2, 1, 3]);
  const attention = tf.softmax(tf.matMul(heads, heads, false, true));
  const mixed = tf.reshape(tf.transpose(tf.matMul(attention, heads), [0, 2, 1, 3]), [-1, width]);
  const rows = tf.matMul(mixed as tf.Tensor2D, params.weight as tf.Tensor2D, false, true);
  const chosen = tf.gather(params.table!, ids!);
  return {
    rows: tf.reshape(rows, [batch, tokens + 1, 5]),
    chosen: tf.add(chosen, tf.broadcastTo(tf.mean(x!, [1, 2], true).reshape([batch, 1]), [batch, 5])),
    smallest: tf.argMin(tf.max(x!, 1), -1),
  };
}
const PARAMS = { first: drawn(1, 1, 8), weight: drawn(5, 8), table: drawn(7, 5), unused: drawn(3) };
const inputsFor = (batch: number): NamedTensors => ({
  x: drawn(batch, 3, 8),
  ids: { dtype: 'int32', shape: [batch], data: Int32Array.from({ length: batch }, (_, i) => (3 * i) % 7) },
});

describe.each(['onnxruntime-node', 'onnxruntime-web'] as const)('%s', (runtime) => {
  test.each([
    ['any batch', ['batch', 3, 8], ['batch'], [1, 2, 6]],
    ['a fixed batch', [2, 3, 8], [2], [2]],
  ] as const)('gives the eager numbers for %s', async (_, x, ids, batches) => {
    const inputs = { x: { dtype: 'float32', shape: x }, ids: { dtype: 'int32', shape: ids } } as const;
    const file = await exportOnnx(layer, { params: PARAMS, inputs });
    const runs = batches.map(inputsFor);
    const results = runOnnx(runtime, file, runs);
    for (const [i, outputs] of results.entries()) {
      const expected = layer(eager(PARAMS), eager(runs[i]!));
      expect(Object.keys(outputs)).toEqual(Object.keys(expected));
      for (const [name, tensor] of Object.entries(expected)) {
        expect(outputs[name]).toMatchObject({ dtype: tensor.dtype, shape: tensor.shape });
        const difference = tf.max(tf.abs(tf.sub(tensor, eager(outputs)[name]!)));
        expect(difference.dataSync()[0]).toBeLessThan(1e-5);
      }
    }
    expect(results.length).toBe(batches.length);
  });
});

describe('the file', () => {
  test('has the names and shapes given, the parameters inside, and no op of another domain', async () => {
    const inputs = {
      x: { dtype: 'float32', shape: ['batch', 3, 8] },
      ids: { dtype: 'int32', shape: ['batch'] },
    } as const;
    const options = { producerName: 'test', docString: 'Größe', metadata: { classes: '["a","b"]' } };
    const file = readOnnx(await exportOnnx(layer, { params: PARAMS, inputs }, options));
    expect(file).toMatchObject({ producer: 'test', docString: 'Größe', metadata: options.metadata });
    expect(file.inputs).toEqual({ x: ['batch', 3, 8], ids: ['batch'] });
    expect(file.outputs).toEqual({ rows: ['batch', 4, 5], chosen: ['batch', 5], smallest: ['batch'] });
    expect(file.initializers).toEqual(expect.arrayContaining(['first', 'weight', 'table']));
    expect(file.initializers).not.toContain('unused');
    expect(file.opsets).toEqual({ '': 18 });
    expect(file.nodes.length).toBeGreaterThan(10);
    expect(new Set(file.nodes.map(({ domain }) => domain))).toEqual(new Set(['']));
  });

  test('has a multiple of the open size where images are made of rows', async () => {
    const inputs = { x: { dtype: 'float32', shape: ['n', 6] } } as const;
    const fn = (_: Tensors, { x }: Tensors) => ({ y: tf.tile(tf.reshape(x!, [-1, 2]), [1, x!.shape[0]]) });
    const bytes = await exportOnnx(fn, { params: {}, inputs });
    expect(readOnnx(bytes).outputs).toEqual({ y: ['3*n', '2*n'] });
    const x = drawn(2, 6);
    const [{ y }] = runOnnx('onnxruntime-node', bytes, [{ x }]) as [NamedTensors];
    expect(y!.shape).toEqual([6, 4]);
    expect([...y!.data]).toEqual([...fn({}, eager({ x })).y.dataSync()]);
  });
});

describe('is refused with a clear error:', () => {
  const exported = (
    fn: (params: Tensors, inputs: Tensors) => Tensors,
    inputs: Record<string, ExportInput>,
    params: NamedTensors = {},
  ) => exportOnnx(fn, { params, inputs });
  const x = { dtype: 'float32', shape: ['batch', 4] } as const;

  test('a number that depends on the open size', async () => {
    const mean = (_: Tensors, { x }: Tensors) => ({ y: tf.mul(x!, 1 / x!.shape[0]) });
    await expect(exported(mean, { x })).rejects.toThrow(/every 'batch': a constant of 'Mul'/);
  });
  test('a size that is no multiple of it', async () => {
    const longer = (_: Tensors, { x }: Tensors) => ({
      y: tf
        .pad(x!, [
          [0, 1],
          [0, 0],
        ])
        .tile([1, x!.shape[0] + 1]),
    });
    await expect(exported(longer, { x })).rejects.toThrow(/is 102 for 101 and 104 for 103/);
  });
  test('other ops for another size', async () => {
    const odd = (_: Tensors, { x }: Tensors) => ({ y: x!.shape[0] === 101 ? tf.neg(x!) : tf.exp(x!) });
    await expect(exported(odd, { x })).rejects.toThrow(/other ops for another size/);
  });
  test('two open sizes', async () => {
    const inputs = { x: { dtype: 'float32', shape: ['batch', 'width'] } } as const;
    await expect(exported((_, { x }) => ({ y: tf.neg(x!) }), inputs)).rejects.toThrow(/batch, width/);
  });
  test('a name that occurs twice', async () => {
    await expect(exported((_, { x }) => ({ x: tf.neg(x!) }), { x })).rejects.toThrow(
      /'x' is the name of two/,
    );
  });
  test('a parameter whose numbers do not fit its shape', async () => {
    const w = { dtype: 'float32', shape: [3], data: new Float32Array(2) } as const;
    await expect(exported(({ w }, { x }) => ({ y: tf.mul(x!, w!) }), { x }, { w })).rejects.toThrow(/"w"/);
  });
  test("a gradient that has only onnxruntime's own form", async () => {
    const images = { dtype: 'float32', shape: [1, 20, 20, 1] } as const;
    const filter = tf.ones<tf.Rank.R4>([3, 3, 1, 1]);
    const gradient = (_: Tensors, { images }: Tensors) => ({
      y: tf.grad((w) => tf.conv2d(images as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'))(filter),
    });
    await expect(exported(gradient, { images })).rejects.toThrow(/gradients of convolutions/);
  });
  test('more than a file can hold', () => {
    // One gigabyte of address space that nothing is written to, named three times.
    const data = new Float32Array(2 ** 28);
    const initializers = ['a', 'b', 'c'].map((name) => ({
      name,
      dtype: 'float32' as const,
      shape: [2 ** 28],
      data,
    }));
    expect(() => encodeOnnx({ nodes: [], initializers, inputs: [], outputs: [] })).toThrow(
      /at most 2147483647/,
    );
  });
});
