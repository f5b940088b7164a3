/** TensorFlow.js's `wasm` backend, as `completeWasmBackend` leaves it, against its `cpu` backend. */
import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { compile } from '../src';
import { i32, numbers } from './hostTensors';
import type { OfTensors } from './ofTensors';
import { allFinite, namedDifference, within } from './tensorDifference';

tf.enableProdMode();

type Tensors = Record<string, tf.Tensor>;
type Hosts = Record<string, HostTensor>;

const stateless =
  (f: OfTensors<Tensors>) =>
  (state: Tensors, inputs: Tensors): { state: Tensors; outputs: Tensors } => ({ state, outputs: f(inputs) });

async function outputsOn(backend: string, f: OfTensors<Tensors>, inputs: Hosts): Promise<Hosts> {
  const tensors = { state: {}, inputs };
  const program = await compile(stateless(f), tensors, { engine: 'tfjs', backend });
  const outputs = (await program.run(inputs)) as Hosts;
  await program.dispose();
  return outputs;
}

/** The two backends make the same numbers, none of them NaN or infinite, and not zeros alone. */
async function expectAlike(f: OfTensors<Tensors>, inputs: Hosts, ofLargest = 1e-5): Promise<void> {
  const expected = await outputsOn('cpu', f, inputs);
  const actual = await outputsOn('wasm', f, inputs);
  expect(namedDifference(actual, expected, (tensor) => within({ ofLargest }, tensor))).toBeUndefined();
  expect(allFinite(actual)).toBe(true);
  for (const { data } of Object.values(actual)) expect(data.some((x) => x !== 0)).toBe(true);
}

/** A scalar of `y` whose gradient by `y` is different everywhere. */
const weighted = (y: tf.Tensor) => y.mul(tf.range(0, y.size).reshape(y.shape).mul(0.1).cos()).sum();

describe('kernels that the backend lacks', () => {
  test.each([
    { filter: [3, 3, 2, 4], stride: 1, pad: 'same' },
    { filter: [3, 3, 2, 4], stride: 2, pad: 'same' },
    { filter: [2, 3, 2, 4], stride: [1, 2], pad: 'valid' },
    { filter: [1, 1, 2, 4], stride: 3, pad: 'valid' },
    {
      filter: [3, 5, 2, 1],
      stride: [2, 1],
      pad: [
        [0, 0],
        [1, 1],
        [2, 2],
        [0, 0],
      ],
    },
  ])(
    'the gradients of a convolution: filter $filter, stride $stride, $pad',
    async ({ filter, stride, pad }) => {
      const inputs = { x: numbers([2, 7, 8, 2], 1), w: numbers(filter, 2) };
      const gradients = ({ x, w }: Record<'x' | 'w', tf.Tensor>) => {
        const loss = (a: tf.Tensor, b: tf.Tensor) =>
          weighted(tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride as [number, number], pad as 'same'));
        const [dx, dw] = tf.grads(loss)([x, w]);
        return { dx: dx!, dw: dw! };
      };
      await expectAlike(gradients, inputs);
    },
  );

  test.each([
    { filter: [3, 3, 2, 1], stride: 1, pad: 'same' },
    { filter: [3, 3, 2, 3], stride: 2, pad: 'same' },
    { filter: [2, 3, 2, 1], stride: 2, pad: 'valid' },
    { filter: [1, 1, 2, 2], stride: 3, pad: 'valid' },
    { filter: [3, 2, 2, 2], stride: 1, pad: 'same' },
  ] as const)(
    'the gradients of a depthwise convolution: filter $filter, stride $stride, $pad',
    async ({ filter, stride, pad }) => {
      const inputs = { x: numbers([2, 7, 8, 2], 1), w: numbers(filter, 2) };
      const gradients = ({ x, w }: Record<'x' | 'w', tf.Tensor>) => {
        const [dx, dw] = tf.grads((a: tf.Tensor, b: tf.Tensor) =>
          weighted(tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, pad)).asScalar(),
        )([x, w]);
        return { dx: dx!, dw: dw! };
      };
      await expectAlike(gradients, inputs);
    },
  );

  test('the gradient of a gather, of rows that come often and never', async () => {
    const inputs = { table: numbers([5, 3], 1), ids: i32([4, 0, 4, 4, 2, 0, 4]) };
    const gradient = ({ table, ids }: Record<'table' | 'ids', tf.Tensor>) => ({
      dx: tf.grad((t: tf.Tensor) => weighted(tf.gather(t, ids as tf.Tensor1D)))(table),
    });
    await expectAlike(gradient, inputs);
  });

  test('sums of segments leave out rows of no segment', async () => {
    const inputs = { x: numbers([6, 2, 2], 1), ids: i32([1, -1, 2, 3, 1, 0]) };
    const sums = ({ x, ids }: Record<'x' | 'ids', tf.Tensor>) => ({
      y: tf.unsortedSegmentSum(x, ids as tf.Tensor1D, 3),
    });
    await expectAlike(sums, inputs);
  });
});

describe('kernels that it gets wrong', () => {
  test.each([
    { size: 2, stride: 2, pad: 'valid' },
    { size: 3, stride: 2, pad: 'same' },
    { size: [2, 3], stride: 1, pad: 'valid' },
  ] as const)(
    'the gradient of max pooling, also where nothing is positive: $size every $stride, $pad',
    async ({ size, stride, pad }) => {
      const gradient = ({ x }: Record<'x', tf.Tensor>) => {
        const pool = (t: tf.Tensor) => tf.maxPool(t as tf.Tensor4D, size as number, stride, pad);
        return {
          dx: tf.grad((t: tf.Tensor) => weighted(pool(t)))(x),
          negative: tf.grad((t: tf.Tensor) => weighted(pool(t.sub(3))))(x),
        };
      };
      await expectAlike(gradient, { x: numbers([2, 6, 5, 3], 1) });
    },
  );

  test('one-hot vectors of float32', async () => {
    const vectors = ({ ids }: Record<'ids', tf.Tensor>) => ({
      plain: tf.oneHot(ids as tf.Tensor1D, 4, 1, 0, 'float32'),
      smoothed: tf.oneHot(ids as tf.Tensor1D, 4, 0.9, 0.025, 'float32'),
      whole: tf.oneHot(ids as tf.Tensor1D, 4),
    });
    await expectAlike(vectors, { ids: i32([3, 0, 1]) }, 1e-6);
  });

  test('products by one buffer in two shapes', async () => {
    const products = ({ a, b, w }: Record<'a' | 'b' | 'w', tf.Tensor>) => ({
      y: tf.matMul(a, w),
      reshaped: tf.matMul(b, tf.reshape(w, [4, 6])),
      fused: tf.fused.matMul({ a: b as tf.Tensor2D, b: tf.reshape(w, [4, 6]), bias: tf.range(0, 6) }),
      again: tf.matMul(a, w),
    });
    const inputs = { a: numbers([6, 6], 1), b: numbers([9, 4], 2), w: numbers([6, 4], 3) };
    await expectAlike(products, inputs);
  });

  test.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])('matrix products, transposed: %s, %s', async (transposeA, transposeB) => {
    const shape = (rows: number, columns: number, transpose: boolean) =>
      transpose ? [columns, rows] : [rows, columns];
    const [left, right] = [shape(5, 7, transposeA), shape(7, 3, transposeB)];
    const inputs = {
      a: numbers(left, 1),
      b: numbers(right, 2),
      many: numbers([4, ...left], 3),
      manyRight: numbers([4, ...right], 4),
    };
    const products = ({ a, b, many, manyRight }: Record<'a' | 'b' | 'many' | 'manyRight', tf.Tensor>) => ({
      one: tf.matMul(a, b, transposeA, transposeB),
      deep: tf.matMul(tf.reshape(a, [1, 1, ...left]), tf.reshape(b, [1, ...right]), transposeA, transposeB),
      many: tf.matMul(many, manyRight, transposeA, transposeB),
      broadcast: tf.matMul(many, b, transposeA, transposeB),
      fused: tf.fused.matMul({
        a: a as tf.Tensor2D,
        b: b as tf.Tensor2D,
        transposeA,
        transposeB,
        bias: tf.range(0, 3),
        activation: 'relu',
      }),
    });
    await expectAlike(products, inputs);
  });
});

describe.each(['cpu', 'wasm'])('a program on %s leaves nothing behind', (backend) => {
  const state = { w: numbers([3, 3, 2, 4], 1), table: numbers([5, 4], 2), kept: numbers([2], 3) };
  const inputs = { x: numbers([2, 8, 8, 2], 4), ids: i32([4, 0, 4]) };
  type State = Record<'w' | 'table' | 'kept', tf.Tensor>;
  /** What is composed here is in it: convolution, max pooling, gather, float32 one-hot, products both ways. */
  const step = (s: State, { x, ids, fail }: Tensors) => {
    const loss = (w: tf.Tensor, table: tf.Tensor) => {
      const pooled = tf.maxPool(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'), 2, 2, 'valid');
      const rows = tf.add(tf.gather(table, ids as tf.Tensor1D), tf.oneHot(ids!, 4, 1, 0, 'float32'));
      return weighted(tf.matMul(tf.reshape(pooled, [-1, 4]), rows, false, true)).asScalar();
    };
    const { value, grads } = tf.valueAndGrads(loss)([s.w, s.table]);
    if (fail) throw new Error('stop');
    return {
      state: { w: s.w.sub(grads[0]!.mul(0.01)), table: s.table.sub(grads[1]!.mul(0.01)), kept: s.kept },
      outputs: { loss: value as tf.Tensor, x: x!, kept: s.kept },
    };
  };
  const held = () => {
    const { numTensors, numBytes, numDataBuffers } = tf.memory();
    return { numTensors, numBytes, numDataBuffers, dataIds: tf.engine().backend.numDataIds() };
  };

  test('over steps, reads and writes of the state, and when it is disposed of', async () => {
    await tf.setBackend(backend);
    const before = held();
    const program = await compile(step, { state, inputs: inputs }, { engine: 'tfjs', backend });
    await program.run(inputs);
    const running = held();
    expect(running.numTensors).toBe(before.numTensors + 3);
    const losses: number[] = [];
    for (let i = 0; i < 4; i++) {
      losses.push((await program.run(inputs)).loss.data[0]!);
      await program.writeState(await program.readState());
    }
    expect(held()).toEqual(running);
    expect(new Set(losses).size).toBe(4);
    await program.dispose();
    expect(held()).toEqual(before);
  });

  test('when a step fails', async () => {
    const failing = { ...inputs, fail: numbers([1], 1) };
    const program = await compile(step, { state, inputs: failing }, { engine: 'tfjs', backend });
    const before = held();
    await expect(program.run(failing)).rejects.toThrow('stop');
    expect(held()).toEqual(before);
    await program.dispose();
  });
});

describe('what a backend can not do is told', () => {
  const x = numbers([4, 4], 1);
  const run = (backend: string | undefined, f: (x: tf.Tensor) => tf.Tensor) =>
    outputsOn(backend as string, ({ x }) => ({ y: f(x!) }), { x });

  test('an op without a kernel', async () => {
    await expect(run('wasm', (t) => tf.einsum('ij,jk->ik', t, t))).rejects.toThrow(
      "backend 'wasm' can't compute 'Einsum'",
    );
  });
  test('a backend that is not here, and what it needs', async () => {
    await expect(run('webgpu', (t) => t)).rejects.toThrow(/no backend 'webgpu' here: .*tfjs-backend-webgpu/);
    await expect(run('torch', (t) => t)).rejects.toThrow("no backend 'torch' here.");
  });
  test('one that does not start', async () => {
    tf.registerBackend('broken', () => {
      throw new Error('no device');
    });
    await expect(run('broken', (t) => t)).rejects.toThrow("could not start its backend 'broken'");
    tf.removeBackend('broken');
  });
  test('without a backend named, the one in use is taken', async () => {
    await tf.setBackend('wasm');
    expect((await run(undefined, (t) => t.mul(2))).y!.data[1]).toBeCloseTo(2 * x.data[1]!, 6);
    expect(tf.getBackend()).toBe('wasm');
  });
});
