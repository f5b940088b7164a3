import type { Step } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { expectSameSteps } from './expectSameSteps';
import { f32, numbers } from './hostTensors';

type Params = Record<string, tf.Tensor>;

function sgdStep(
  loss: (params: Params, inputs: Params) => tf.Tensor,
): Step<Params, Params, { loss: tf.Tensor }> {
  return (params, inputs) => {
    const names = Object.keys(params);
    const { value, grads } = tf.valueAndGrads((...ps: tf.Tensor[]) =>
      loss(Object.fromEntries(names.map((name, i) => [name, ps[i]!])), inputs).asScalar(),
    )(names.map((name) => params[name]!));
    const next = names.map((name, i) => [name, params[name]!.sub(grads[i]!.mul(0.1))] as const);
    return { state: Object.fromEntries(next), outputs: { loss: value } };
  };
}

describe('a compiled program computes what the eager one does', () => {
  test('an MLP with its gradients and SGD', async () => {
    const step = sgdStep((p, { x, y }) => {
      const hidden = tf.relu(tf.add(tf.matMul(x!, p.w1!), p.b1!));
      return tf.losses.softmaxCrossEntropy(y!, tf.add(tf.matMul(hidden, p.w2!), p.b2!));
    });
    const state = {
      w1: numbers([5, 7], 1),
      b1: numbers([7], 2),
      w2: numbers([7, 3], 3),
      b2: numbers([3], 4),
    };
    const labels = f32([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0], [4, 3]);
    await expectSameSteps(step, state, { x: numbers([4, 5], 5), y: labels }, { steps: 3 });
  });

  test.each([1, 3, 5])('a residual convolutional network with filters of %i and max pooling', async (k) => {
    const step = sgdStep((p, { x }) => {
      const filter = (name: string) => tf.transpose(p[name] as tf.Tensor4D, [2, 3, 1, 0]) as tf.Tensor4D;
      let h = tf
        .conv2d(x as tf.Tensor4D, filter('w1'), 1, 'same')
        .add(p.b1!)
        .relu() as tf.Tensor4D;
      h = tf.maxPool(h, 2, 2, 'valid');
      h = h.add(
        tf
          .conv2d(h.relu() as tf.Tensor4D, filter('w2'), 1, 'same')
          .add(p.b2!)
          .mul(0.5),
      );
      return tf
        .conv2d(h as tf.Tensor4D, filter('w3'), 1, 'same')
        .square()
        .mean();
    });
    const state = {
      w1: numbers([6, 3, k, k], 1),
      b1: numbers([6], 2),
      w2: numbers([6, 6, k, k], 3),
      b2: numbers([6], 4),
      w3: numbers([2, 6, 1, 1], 5),
    };
    await expectSameSteps(step, state, { x: numbers([2, 8, 12, 3], 6) });
  });

  test('Adam, which counts its steps in the state', async () => {
    type Adam = Record<'w' | 'm' | 'v' | 'row', tf.Tensor> & { t: tf.Tensor };
    const step = ({ w, m, v, row, t }: Adam, { x }: Record<'x', tf.Tensor>) => {
      const { value, grad } = tf.valueAndGrad((w: tf.Tensor) => tf.matMul(x, w).add(row).square().mean())(w);
      const t1 = t.add(1);
      const m1 = m.mul(0.9).add(grad.mul(0.1));
      const v1 = v.mul(0.999).add(grad.square().mul(0.001));
      const row1 = row.add(0.5);
      const corrected = (moment: tf.Tensor, beta: number) => moment.div(tf.sub(1, tf.pow(beta, t1)));
      const update = corrected(m1, 0.9).div(corrected(v1, 0.999).sqrt().add(1e-3)).add(row1.mul(0.1));
      return { state: { w: w.sub(update.mul(0.01)), m: m1, v: v1, row: row1, t: t1 }, outputs: { value } };
    };
    const size = [24, 40];
    const zeros = f32(new Array(24 * 40).fill(0), size);
    const state = { w: numbers(size, 1), m: zeros, v: zeros, row: numbers([40], 2), t: f32([0], []) };
    await expectSameSteps(step, state, { x: numbers([8, 24], 3) }, { steps: 5 });
  });

  // One image: TensorFlow.js's own CPU gradient of resizing reads the wrong image of a larger batch.
  test('nearest-neighbour upsampling', async () => {
    const step = sgdStep((p, { x }) => {
      const h = tf.image.resizeNearestNeighbor(
        tf.conv2d(x as tf.Tensor4D, p.w as tf.Tensor4D, 1, 'same'),
        [16, 24],
      );
      return tf
        .conv2d(h, p.w as tf.Tensor4D, 1, 'same')
        .square()
        .mean();
    });
    await expectSameSteps(step, { w: numbers([3, 3, 3, 3], 1) }, { x: numbers([1, 8, 12, 3], 6) });
  });

  // Which side is shifted goes by the channels; small images take another form.
  describe.each([
    ['large', [24, 20]],
    ['small', [9, 7]],
  ] as const)('filter gradients of %s images', (_, [height, width]) => {
    test.each([
      ['more channels out', 2, 3, 'same'],
      ['fewer channels out', 4, 3, 'same'],
      ['fewer channels out, no padding', 4, 3, 'valid'],
    ] as const)('%s', async (_name, channels, size, pad) => {
      const step = sgdStep((p, { x }) => {
        const filter = tf.transpose(p.w as tf.Tensor4D, [2, 3, 1, 0]) as tf.Tensor4D;
        return tf
          .conv2d(x as tf.Tensor4D, filter, 1, pad)
          .mul(tf.range(0, 3).cos())
          .square()
          .mean();
      });
      const inputs = { x: numbers([2, height, width, channels], 6) };
      await expectSameSteps(step, { w: numbers([3, channels, size, size], 1) }, inputs);
    });
  });

  test.each([
    ['patches', 4, 4],
    ['large patches', 5, 48],
  ] as const)('filter gradients of %s', async (_, size, channels) => {
    const step = sgdStep((p, { x }) =>
      tf
        .conv2d(x as tf.Tensor4D, p.w as tf.Tensor4D, size - 1, 'same')
        .square()
        .mean(),
    );
    const state = { w: numbers([size, size, channels, 3], 1) };
    await expectSameSteps(step, state, { x: numbers([2, 12, 11, channels], 3) });
  });

  test('strided and valid convolutions', async () => {
    const step = sgdStep((p, { x }) => {
      const h = tf.conv2d(x as tf.Tensor4D, p.w1 as tf.Tensor4D, 2, 'valid').tanh();
      return tf
        .conv2d(h as tf.Tensor4D, p.w2 as tf.Tensor4D, 2, 'same')
        .square()
        .mean();
    });
    const state = { w1: numbers([3, 3, 2, 4], 1), w2: numbers([3, 3, 4, 2], 2) };
    await expectSameSteps(step, state, { x: numbers([2, 12, 11, 2], 3) });
  });

  test('attention', async () => {
    const step = sgdStep((p, { x }) => {
      const [q, k, v] = tf
        .split(
          tf.transpose(
            tf.reshape(tf.matMul(tf.reshape(x!, [10, 8]), p.qkv!), [2, 5, 3, 2, 4]),
            [2, 0, 3, 1, 4],
          ),
          3,
        )
        .map((t) => tf.squeeze(t, [0]));
      const weights = tf.softmax(tf.matMul(q!.mul(0.5), k!, false, true).add(p.bias!));
      return tf.transpose(tf.matMul(weights, v!), [0, 2, 1, 3]).reshape([2, 5, 8]).square().mean();
    });
    const state = { qkv: numbers([8, 24], 1), bias: numbers([2, 5, 5], 2) };
    await expectSameSteps(step, state, { x: numbers([2, 5, 8], 3) });
  });
});
