import type { TensorSpec } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { compile, type EngineName, trace } from '../src';
import { numbers } from './hostTensors';

tf.enableProdMode();

type Tensors = Record<string, tf.Tensor>;
const X: Record<string, TensorSpec> = { x: { dtype: 'float32', shape: [2, 3] } };
const output =
  (f: (x: tf.Tensor) => tf.Tensor) =>
  (state: Tensors, { x }: Tensors) => ({ state, outputs: { y: f(x!) } });

describe('a program that can not be traced is told why', () => {
  test('an op without a recording names the op and the line that called it', () => {
    const distinct = (x: tf.Tensor) => tf.unique(x).values;
    expect(() => trace(output(distinct), {}, X)).toThrow(/op 'Unique' can't be traced.*errors\.test\.ts/s);
  });
  test('a data format that TensorFlow.js takes for another', () => {
    const channelsFirst = (x: tf.Tensor) =>
      tf.depthwiseConv2d(
        x.reshape([1, 1, 2, 3]) as tf.Tensor4D,
        tf.ones<tf.Rank.R4>([1, 1, 1, 1]),
        1,
        'same',
        'NCHW',
      );
    expect(() => trace(output(channelsFirst), {}, X)).toThrow(/dataFormat 'NCHW' can't be traced; transpose/);
  });
  test('reading numbers names the op that made them', () => {
    expect(() =>
      trace(
        output((x) => tf.scalar(tf.exp(x).dataSync()[0]!)),
        {},
        X,
      ),
    ).toThrow(/result of 'Exp'.*\[2,3\]/s);
  });
  test('a variable from outside', () => {
    const weight = tf.variable(tf.scalar(2), true, 'weight');
    expect(() =>
      trace(
        output((x) => x.mul(weight)),
        {},
        X,
      ),
    ).toThrow(/variable 'weight'.*state/s);
  });
  test('a tensor of another trace', () => {
    let kept: tf.Tensor | undefined;
    const keeps = output((x) => {
      kept = tf.keep(x.mul(2));
      return kept;
    });
    trace(keeps, {}, X);
    expect(() => kept!.dataSync()).toThrow('used outside of its trace');
    const usesIt = output((x) => x.mul(kept!));
    expect(() => trace(usesIt, {}, X)).toThrow('used outside of its trace');
  });
  test('a tensor from outside is a constant, of every program that uses it', () => {
    tf.setBackend('cpu');
    const two = tf.tensor1d([2, 3, 4]);
    const constantOf = (step: ReturnType<typeof output>) => {
      const { graph } = trace(step, {}, X);
      return graph.nodes.flatMap(({ op, attributes }) => (op === 'Constant' ? [...attributes.data] : []));
    };
    expect(constantOf(output((x) => x.mul(two)))).toEqual([2, 3, 4]);
    expect(constantOf(output((x) => x.exp().add(two)))).toEqual([2, 3, 4]);
    expect([...two.dataSync()]).toEqual([2, 3, 4]);
  });
  test('a state that changes its shape, is lost or is new', () => {
    const state = { w: X.x! };
    expect(() => trace((s: Tensors) => ({ state: { w: s.w!.sum(0) }, outputs: {} }), state, {})).toThrow(
      "returned 'w' as float32 [3], but got it as float32 [2,3]",
    );
    expect(() => trace(() => ({ state: {} as Tensors, outputs: {} }), state, {})).toThrow(
      "returned no state 'w'",
    );
    expect(() => trace((s: Tensors) => ({ state: { ...s, v: s.w! }, outputs: {} }), state, {})).toThrow(
      "a state 'v'",
    );
  });
  test('the backend is the old one again after an error', () => {
    tf.setBackend('cpu');
    expect(() =>
      trace(
        output(() => {
          throw new Error('stop');
        }),
        {},
        X,
      ),
    ).toThrow('stop');
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.add(1, 2).dataSync()[0]).toBe(3);
  });
});

function checksWhatItIsGiven(engine: EngineName): void {
  const make = () =>
    compile(
      (s: Tensors, { x }: Tensors) => ({ state: { w: s.w!.add(x!) }, outputs: { y: s.w!.mul(2) } }),
      {
        state: { w: numbers([2, 3], 1) },
        inputs: X,
      },
      { engine },
    );

  test('a missing, unknown or misshapen input', async () => {
    const program = await make();
    await expect(program.run({})).rejects.toThrow("input 'x' is missing: float32 [2,3] expected");
    await expect(program.run({ x: numbers([3, 2], 1) })).rejects.toThrow("'x' is float32 [3,2]");
    await expect(program.run({ x: numbers([2, 3], 1), z: numbers([1], 1) })).rejects.toThrow("no input 'z'");
    await program.dispose();
  });
  test('a bad input does not move the state, and the state can be written', async () => {
    const program = await make();
    await expect(program.run({})).rejects.toThrow();
    const before = await program.readState();
    expect([...before.w.data]).toEqual([...numbers([2, 3], 1).data]);
    await program.run({ x: numbers([2, 3], 2) });
    await program.writeState({ w: numbers([2, 3], 5) });
    const { y } = await program.run({ x: numbers([2, 3], 2) });
    expect(y.data[0]).toBeCloseTo(2 * numbers([2, 3], 5).data[0]!, 6);
    await expect(program.writeState({ w: numbers([3], 5) })).rejects.toThrow("state 'w' is float32 [3]");
    await program.dispose();
  });
}
describe.each(['tfjs', 'onnxruntime'] as const)('%s checks what it is given', checksWhatItIsGiven);
whereInstalled('OpenVINO', () => {
  describe('openvino checks what it is given', () => checksWhatItIsGiven('openvino'));
});

test('an unknown engine', async () => {
  const options = { engine: 'torch' as 'tfjs' };
  await expect(
    compile(
      output((x) => x),
      { state: {}, inputs: X },
      options,
    ),
  ).rejects.toThrow("no engine 'torch'");
});
