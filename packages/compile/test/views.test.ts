import * as tf from '@tensorflow/tfjs';
import { expectSameSteps } from './expectSameSteps';
import { numbers } from './hostTensors';

type Images = tf.Tensor4D;

const CHANNELS = 5;
const matrix = tf.tensor2d(Array.from(numbers([CHANNELS, CHANNELS], 1).data), [CHANNELS, CHANNELS]);
const vector = tf.linspace(0.5, 1, CHANNELS);

const SOURCES: Record<string, (x: Images) => Images> = {
  'a product': (x) =>
    tf
      .matMul(x.reshape([-1, CHANNELS]), matrix)
      .add(vector)
      .reshape(x.shape),
  'elementwise work': (x) => tf.mul(x, vector),
  'an input': (x) => x,
};
/** What wants channels last in memory, but is told of them as first. */
const READERS: Record<string, (x: Images) => tf.Tensor> = {
  'a convolution': (x) => tf.conv2d(x, matrix.reshape([1, 1, CHANNELS, CHANNELS]) as Images, 1, 'same'),
  resizing: (x) => tf.image.resizeBilinear(x, [14, 14], false, true),
  pooling: (x) => tf.maxPool(x, 2, 2, 'same'),
};
const OTHER_VIEWS: Record<string, (x: Images) => tf.Tensor> = {
  'is an output': (x) => x,
  'is read in another shape': (x) => x.reshape([-1, CHANNELS]).softmax(),
  'is read in part': (x) => x.slice([1, 0, 0, 0], [2, -1, -1, -1]).square(),
};

const cases = Object.keys(SOURCES).flatMap((source) =>
  Object.keys(READERS).flatMap((reader) =>
    Object.keys(OTHER_VIEWS).map((other) => [source, reader, other] as const),
  ),
);
test.each(cases)('%s for %s that also %s', async (source, reader, other) => {
  const step = (state: Record<string, tf.Tensor>, { x }: { x: tf.Tensor }) => {
    const images = SOURCES[source]!(x as Images);
    return { state, outputs: { read: READERS[reader]!(images), other: OTHER_VIEWS[other]!(images) } };
  };
  await expectSameSteps(step, {}, { x: numbers([4, 7, 7, CHANNELS], 2) }, { steps: 1 });
});
