/** TensorFlow.js casts to a wider dtype and reshapes without touching data: such tensors are what they say they are. */
import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { compile } from '../src';
import { eachEngine } from './eachEngine';
import { CLOSE, expectSame, given } from './expectSame';
import { f32 } from './hostTensors';

tf.enableProdMode();

describe('a constant', () => {
  const whole = () => tf.tensor2d([1, 2, -3, 4], [2, 2], 'int32');
  const CASTS: Record<string, (x: tf.Tensor) => tf.Tensor> = {
    'of whole numbers cast to floats': (x) => x.matMul(whole().toFloat()),
    'of booleans cast to floats': (x) => x.add(tf.tensor1d([1, 0], 'bool').toFloat()),
    'of booleans cast to whole numbers': (x) => x.add(tf.tensor1d([1, 0], 'bool').toInt()),
  };
  test.each(Object.entries(CASTS))('%s', async (_name, f) => {
    await tf.setBackend('cpu');
    await expectSame(given({ x: f32([0.5, 2, 3, 4], [2, 2]) }, ({ x }) => f(x), CLOSE));
  });

  test('that is used before and after a cast and in two shapes', async () => {
    await tf.setBackend('cpu');
    const before = whole();
    const [cast, row] = [before.toFloat(), before.reshape([4]).toFloat()];
    await expectSame(
      given(
        { x: f32([0.5, 2, 3, 4], [2, 2]) },
        ({ x }) =>
          tf.concat([x.mul(cast).flatten(), row.mul(x.flatten()), before.mul(2).toFloat().flatten()]),
        CLOSE,
      ),
    );
  });
});

test('a state, an input and an output', () =>
  eachEngine(async (engine) => {
    await tf.setBackend('cpu');
    const cast = (...numbers: number[]) => tf.tensor1d(numbers, 'int32').toFloat();
    const state: Record<string, tf.Tensor> = { w: cast(1, 2) };
    const program = await compile<
      Record<string, tf.Tensor>,
      Record<string, tf.Tensor>,
      Record<string, tf.Tensor>
    >(
      ({ w }, { x }) => ({ state: { w: w!.add(x!) }, outputs: { w: w!, more: w!.greater(1).toFloat() } }),
      { state: state, inputs: { x: { dtype: 'float32', shape: [2] } } },
      { engine },
    );
    const numbers = ({ data }: HostTensor) => data;
    const first = await program.run({ x: cast(10, 20) });
    expect(Object.values(first).map(numbers)).toEqual([Float32Array.of(1, 2), Float32Array.of(0, 1)]);
    expect(numbers((await program.readState()).w!)).toEqual(Float32Array.of(11, 22));
    await program.writeState({ w: cast(7, 8) });
    expect(numbers((await program.readState()).w!)).toEqual(Float32Array.of(7, 8));
    expect(numbers((await program.run({ x: cast(0, 1) })).w!)).toEqual(Float32Array.of(7, 8));
    await program.dispose();
  }));
