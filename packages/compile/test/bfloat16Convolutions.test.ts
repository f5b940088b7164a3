import { flattenTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { compile, type EngineName } from '../src';
import { f32 } from './hostTensors';
import { namedDifference, within } from './tensorDifference';

tf.enableProdMode();

const FILTERS = 16;
/** Channels that some processors lay beside the offsets of a window, and more. */
const CHANNELS = [1, 2, 3, 4, 6, 8, 10, 12, 14, 15, 16, 18];
const KERNELS: readonly (readonly [number, number])[] = [
  [1, 16],
  [16, 1],
  [8, 8],
  [16, 16],
  [3, 32],
  [32, 32],
];

/** Small whole numbers: what they are multiplied and added up to is exact, in bfloat16 until it is rounded at last. */
const whole = (shape: readonly number[], seed: number) => {
  const length = shape.reduce((product, size) => product * size, 1);
  return f32(
    Array.from({ length }, (_, i) => Math.round(Math.sin(i * 12.9898 + seed * 78.233) * 4)),
    shape,
  );
};

type Given = Record<'x' | 'filter' | 'images' | 'dy', tf.Tensor4D>;

/** Convolutions with each kernel, and gradients of 7x7 filters for outputs of these sizes: `channels` images. */
async function convolved(engine: EngineName, precision: 'fp32' | 'bf16', channels: number) {
  const inputs = Object.fromEntries(
    KERNELS.map(([height, width], i) => [
      `${height}x${width}`,
      {
        x: whole([2, 35, 35, channels], i),
        filter: whole([height, width, channels, FILTERS], i + 10),
        images: whole([channels, height + 6, width + 6, 3], i + 20),
        dy: whole([channels, height, width, FILTERS], i + 30),
      },
    ]),
  );
  const step = (state: Record<string, never>, given: Record<string, Given>) => {
    const outputs: Record<string, Record<string, tf.Tensor>> = {};
    for (const [name, { x, filter, images, dy }] of Object.entries(given)) {
      const product = (weights: tf.Tensor) =>
        tf.sum(tf.mul(tf.conv2d(images, weights as tf.Tensor4D, 1, 'valid'), dy));
      outputs[name] = {
        convolution: tf.conv2d(x, filter, 1, 'valid'),
        gradient: tf.grad(product)(tf.zeros([7, 7, 3, FILTERS])),
      };
    }
    return { state, outputs };
  };
  const program = await compile(step, { state: {}, inputs }, { engine, precision, programCache: false });
  const outputs = flattenTensors(await program.run(inputs));
  await program.dispose();
  return outputs;
}

/** What bfloat16 keeps of a number. */
const ROUNDED = { relative: 2 ** -8 };

function multipliesRight(engine: EngineName, channels: readonly number[]) {
  test.each(channels)('%i channels are multiplied right in bfloat16', async (channels) => {
    const expected = await convolved('onnxruntime', 'fp32', channels);
    const actual = await convolved(engine, 'bf16', channels);
    expect(namedDifference(actual, expected, (tensor) => within(ROUNDED, tensor))).toBeUndefined();
  });
}

whereInstalled('OpenVINO', () => multipliesRight('openvino', CHANNELS));
whereInstalled('XLA', () => multipliesRight('xla', [2, 8, 15]));
