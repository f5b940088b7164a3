/** Whole training steps on TensorFlow.js's backends of this process against the compiled engine. */
import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { differences } from './differences';
import { type Numbers, runProgram } from './runProgram';
import { GRADIENTS, INFERENCE, type Make, TRAINING } from './smallPrograms';

tf.enableProdMode();
beforeAll(() => tf.ready());

const both = async (make: Make, backend: string, steps = 1) =>
  [
    await runProgram(make(), { engine: 'tfjs', backend }, steps),
    await runProgram(make(), { engine: 'onnxruntime' }, steps),
  ] as const;

describe.each(['cpu', 'wasm'])('%s gives the numbers of the compiled engine', (backend) => {
  test.each(Object.entries(INFERENCE))('%s', async (_, make) => {
    const [actual, expected] = await both(make, backend);
    expect(differences(actual, expected, 1e-5)).toEqual({});
  });

  test.each(Object.entries(GRADIENTS))('gradients of %s', async (_, make) => {
    const [actual, expected] = await both(make, backend);
    expect(Object.values(expected).filter(({ data }) => data.some((x) => x !== 0)).length).toBeGreaterThan(
      40,
    );
    expect(differences(actual, expected, 1e-5)).toEqual({});
  });

  test.each(Object.entries(TRAINING))('three training steps of %s', async (_, make) => {
    const [actual, expected] = await both(make, backend, 3);
    const { params } = make().state as unknown as { params: Record<string, HostTensor> };
    // AdamW moves a parameter by its gradient's direction, whatever its size: where the gradient is no more than
    // rounding, so is the direction. So parameters are compared by how far they have moved.
    const moved = (path: string) => {
      const before = params[path.slice('state/params/'.length)]?.data;
      const after = (expected as Numbers)[path]!.data;
      return before && after.reduce((most, x, i) => Math.max(most, Math.abs(x - before[i]!)), 0);
    };
    const part = (numbers: Numbers, ofParameters: boolean): Numbers =>
      Object.fromEntries(
        Object.entries(numbers).filter(([path]) => path.startsWith('state/params/') === ofParameters),
      );
    expect(differences(part(actual, false), part(expected, false), 1e-5)).toEqual({});
    expect(differences(part(actual, true), part(expected, true), 0.03, moved)).toEqual({});
  });
});
