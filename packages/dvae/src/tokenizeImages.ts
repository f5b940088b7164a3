import type { TensorParams } from '@beit/nn';
import type * as tf from '@tensorflow/tfjs';
import type { Dvae } from './createDvae';

/** Images `[batch, height, width, 3]` in [0, 1] to visual tokens, `[batch, rows * columns]`, as `compileForward` takes it. */
export const tokenizeImages =
  (dvae: Pick<Dvae, 'tokenize'>) =>
  (params: TensorParams, { images }: { images: tf.Tensor }): { tokens: tf.Tensor2D } => ({
    tokens: dvae.tokenize(params, images),
  });
