import { assertShape, constant, conv2d, maxPool2d, normal, upsample2d } from '@beit/nn';
import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { type DvaeConfig, downsampling, type ResolvedDvaeConfig, resolveDvaeConfig } from './dvaeConfig';
import type { PixelDistribution } from './likelihood';
import { type BlockShape, decoderGroups, encoderGroups, parameterShapes } from './parameterShapes';
import { mapPixels, unmapPixels } from './pixelMap';

export type TensorParams = Readonly<Record<string, tf.Tensor>>;

export interface Dvae {
  readonly config: ResolvedDvaeConfig;
  /** Pixels along one side of a token. */
  readonly downsampling: number;
  parameterShapes(): Record<string, number[]>;
  /** Weights from N(0, 1 / (inputs * k * k)), biases 0. */
  init(random: Random): NamedTensors;
  /** q(z | x): images `[batch, height, width, 3]` in [0, 1] to logits `[batch, rows, columns, vocabSize]`. Takes parameters of the encoder alone, too. */
  encode(params: TensorParams, images: tf.Tensor): tf.Tensor4D;
  /** p(x | z): one-hot or relaxed tokens `[batch, rows, columns, vocabSize]` to the distribution of mapped pixels. */
  decode(params: TensorParams, tokens: tf.Tensor): PixelDistribution;
  /** The most likely tokens, `[batch, rows * columns]` int32, row-major. */
  tokenize(params: TensorParams, images: tf.Tensor): tf.Tensor2D;
  /** Images in [0, 1], the mode of p(x | z) as usually shown, from tokens `[batch, rows * columns]`. */
  decodeTokens(params: TensorParams, tokens: tf.Tensor, gridSize: readonly [number, number]): tf.Tensor4D;
}

/**
 * DALL-E's discrete VAE: residual convolutions without normalization, max-pooling down, nearest neighbours up.
 * Paper: arXiv 2102.12092, appendix A.1. Reference: openai/DALL-E dall_e/encoder.py and decoder.py.
 */
export function createDvae(dvaeConfig: DvaeConfig): Dvae {
  const config = resolveDvaeConfig(dvaeConfig);
  const { vocabSize, numGroups, blocksPerGroup } = config;
  const shapes = parameterShapes(config);
  const factor = downsampling(config);
  // "To stabilize the start of training": every residual path is scaled by one over the squared number of blocks.
  const postGain = 1 / (numGroups * blocksPerGroup) ** 2;

  const conv = (params: TensorParams, name: string, x: tf.Tensor) =>
    conv2d(x, params[`${name}.w`]!, params[`${name}.b`]);

  function block(
    params: TensorParams,
    part: string,
    { name, inputs, outputs }: BlockShape,
    x: tf.Tensor,
  ): tf.Tensor {
    const path = `${part}.${name}`;
    let h = x;
    for (let i = 1; i <= 4; i++) h = conv(params, `${path}.res_path.conv_${i}`, tf.relu(h));
    const identity = inputs === outputs ? x : conv(params, `${path}.id_path`, x);
    return tf.add(identity, tf.mul(h, postGain));
  }

  /** All groups, with `between` from one to the next. */
  function body(
    params: TensorParams,
    part: 'encoder' | 'decoder',
    groups: readonly (readonly BlockShape[])[],
    input: tf.Tensor,
    between: (x: tf.Tensor) => tf.Tensor,
  ): tf.Tensor4D {
    let x: tf.Tensor = conv(params, `${part}.blocks.input`, input);
    groups.forEach((blocks, i) => {
      for (const shape of blocks) x = block(params, part, shape, x);
      if (i < groups.length - 1) x = between(x);
    });
    return conv(params, `${part}.blocks.output.conv`, tf.relu(x));
  }

  function encode(params: TensorParams, images: tf.Tensor): tf.Tensor4D {
    const [, height, width] = images.shape as [number, number, number, number];
    if (images.rank !== 4 || images.shape[3] !== 3 || height % factor !== 0 || width % factor !== 0) {
      throw new RangeError(
        `The images are [${images.shape}]; expected [batch, height, width, 3], sides multiples of ${factor}.`,
      );
    }
    return body(params, 'encoder', encoderGroups(config), mapPixels(images), maxPool2d);
  }

  function decode(params: TensorParams, tokens: tf.Tensor): PixelDistribution {
    assertShape(tokens, [-1, -1, -1, vocabSize], 'The tokens');
    const maps = body(params, 'decoder', decoderGroups(config), tokens, (x) => upsample2d(x));
    const [mu, logB] = tf.split(maps, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
    return { mu, logB };
  }

  return {
    config,
    downsampling: factor,
    parameterShapes: () => shapes,
    init: (random) =>
      Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => {
          const [, inputs, kh, kw] = shape as [number, number, number, number];
          return [
            name,
            shape.length === 1 ? constant(shape, 0) : normal(random, shape, 1 / Math.sqrt(inputs * kh * kw)),
          ];
        }),
      ),
    encode,
    decode,
    tokenize(params, images) {
      const logits = encode(params, images);
      const [batch, rows, columns] = logits.shape;
      return tf.reshape(tf.argMax(logits, 3), [batch, rows * columns]);
    },
    decodeTokens(params, tokens, [rows, columns]) {
      assertShape(tokens, [-1, rows * columns], 'The tokens');
      const oneHot = tf.cast(tf.oneHot(tf.reshape(tokens, [-1]) as tf.Tensor1D, vocabSize), 'float32');
      const grid = tf.reshape(oneHot, [tokens.shape[0]!, rows, columns, vocabSize]);
      return unmapPixels(tf.sigmoid(decode(params, grid).mu)) as tf.Tensor4D;
    },
  };
}
