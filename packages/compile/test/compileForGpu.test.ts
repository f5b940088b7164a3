/** Programs compile for a GPU, by the plugin for CUDA, on a machine that has none. */
import * as tf from '@tensorflow/tfjs';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { compileForGpu, exportStablehlo } from '../src';
import { numbers } from './hostTensors';

type Tensors = Record<string, tf.Tensor>;

/** A step with convolutions, a pool, a normalization, attention and gradients of all. */
function step({ filter, dense }: Tensors, { images }: Tensors) {
  const loss = (f: tf.Tensor, d: tf.Tensor) => {
    const features = tf.maxPool(
      tf.relu(tf.conv2d(images as tf.Tensor4D, f as tf.Tensor4D, 1, 'same')),
      2,
      2,
      'valid',
    );
    const tokens = features.reshape([2, 16, 8]);
    const { mean, variance } = tf.moments(tokens, -1, true);
    const x = tokens
      .sub(mean)
      .div(variance.add(1e-5).sqrt())
      .matMul(d.expandDims(0).tile([2, 1, 1]));
    return tf
      .matMul(tf.matMul(x, x, false, true).softmax(), x)
      .square()
      .mean() as tf.Scalar;
  };
  const { value, grads } = tf.valueAndGrads(loss as (...tensors: tf.Tensor[]) => tf.Scalar)([
    filter!,
    dense!,
  ]);
  const [df, dd] = grads as [tf.Tensor, tf.Tensor];
  return {
    state: { filter: filter!.sub(df.mul(0.1)), dense: dense!.sub(dd.mul(0.1)) },
    outputs: { loss: value },
  };
}

whereInstalled('XLA for NVIDIA GPUs', () => {
  test('a training step, and what memory it takes', async () => {
    const state = { filter: numbers([3, 3, 3, 8], 1), dense: numbers([8, 8], 2) };
    const text = exportStablehlo(step, { state, inputs: { images: numbers([2, 8, 8, 3], 3) } });
    const memory = await compileForGpu(text);
    const bytes = 4 * (3 * 3 * 3 * 8 + 8 * 8);
    expect(memory.arguments).toBeGreaterThanOrEqual(bytes + 4 * 2 * 8 * 8 * 3);
    expect(memory.aliased).toBeGreaterThanOrEqual(bytes);
    expect(memory.peak).toBeGreaterThan(memory.arguments);
  }, 120_000);

  test('what does not compile says why', async () => {
    await expect(compileForGpu('module { nonsense }')).rejects.toThrow(/nonsense/);
  });
});
