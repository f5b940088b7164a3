import type { TensorParams } from '@beit/nn';
import { assertShape, constant, conv2d, linear, maxPool2d, normal, upsample2d } from '@beit/nn';
import type { Random } from '@beit/random';
import { assertMemory, assertParameterCount, type NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { type DvaeConfig, downsampling, type ResolvedDvaeConfig, resolveDvaeConfig } from './dvaeConfig';
import { gridSize } from './gridSize';
import type { PixelDistribution } from './likelihood';
import { type BlockShape, decoderGroups, encoderGroups, parameterShapes } from './parameterShapes';
import { mapPixels, unmapPixels } from './pixelMap';

export interface Dvae {
  readonly config: ResolvedDvaeConfig;
  /** Pixels along one side of a token. */
  readonly downsampling: number;
  /** Rows and columns of the tokens of an image; `imageSize` in pixels: the side of a square, or [height, width]. */
  gridSize(imageSize: number | readonly [number, number]): [rows: number, columns: number];
  /** Names and shapes, as in DALL-E's checkpoints behind `encoder.` and `decoder.`; nothing is allocated. */
  parameterShapes(): Record<string, number[]>;
  /** Weights from N(0, 1 / (inputs * k * k)), biases 0. */
  init(random: Random): NamedTensors;
  /**
   * q(z | x): images `[batch, height, width, 3]` in [0, 1] to logits `[batch, rows, columns, vocabSize]`. Takes
   * parameters of the encoder alone, too.
   */
  encode(params: TensorParams, images: tf.Tensor): tf.Tensor4D;
  /**
   * p(x | z), a distribution of mapped pixels: from tokens `[batch, rows, columns]` int32, or from one-hot or relaxed
   * ones `[batch, rows, columns, vocabSize]` float32.
   */
  decode(params: TensorParams, tokens: tf.Tensor): PixelDistribution;
  /** The most likely tokens, `[batch, rows * columns]` int32, row-major. */
  tokenize(params: TensorParams, images: tf.Tensor): tf.Tensor2D;
  /** Images in [0, 1], the mode of p(x | z) as usually shown, from tokens `[batch, rows * columns]`. */
  decodeTokens(params: TensorParams, tokens: tf.Tensor, gridSize: readonly [number, number]): tf.Tensor4D;
}

/**
 * DALL-E's discrete VAE: residual convolutions without normalization, max-pooling down, nearest neighbours up.
 * Paper: arXiv 2102.12092, appendix A.1. Reference: openai/DALL-E dall_e/encoder.py and decoder.py.
 *
 * @throws RangeError for sizes that can't be built, or make more than 1e11 parameters
 */
export function createDvae(dvaeConfig: DvaeConfig): Dvae {
  const config = resolveDvaeConfig(dvaeConfig);
  const { vocabSize, numGroups, blocksPerGroup } = config;
  const shapes = parameterShapes(config);
  assertParameterCount('The dVAE', shapes);
  const factor = downsampling(config);
  // "To stabilize the start of training": every residual path is scaled by one over the squared number of blocks.
  const postGain = 1 / (numGroups * blocksPerGroup) ** 2;

  function parameter(params: TensorParams, name: string): tf.Tensor {
    const found = params[name];
    if (found === undefined) {
      throw new Error(
        `There is no parameter "${name}". This dVAE's are in parameterShapes(); a file of the encoder or the decoder ` +
          "alone has names without 'encoder.' or 'decoder.' in front: add it.",
      );
    }
    assertShape(found, shapes[name]!, `Parameter "${name}"`);
    return found;
  }
  const layer = (params: TensorParams, name: string) =>
    [parameter(params, `${name}.w`), parameter(params, `${name}.b`)] as const;
  const conv = (params: TensorParams, name: string, x: tf.Tensor) => conv2d(x, ...layer(params, name));
  /** A 1x1 convolution between the body and the vocabulary: as a product, the wide axis stays the last one. */
  const pointwise = (params: TensorParams, name: string, x: tf.Tensor) => {
    const [weight, bias] = layer(params, name);
    const [outputs, inputs] = weight.shape as [number, number];
    return linear(x, tf.reshape(weight, [outputs, inputs]), bias) as tf.Tensor4D;
  };

  function block(params: TensorParams, path: string, hasIdPath: boolean, x: tf.Tensor): tf.Tensor {
    let h = x;
    for (let i = 1; i <= 4; i++) h = conv(params, `${path}.res_path.conv_${i}`, tf.relu(h));
    return tf.add(hasIdPath ? conv(params, `${path}.id_path`, x) : x, tf.mul(h, postGain));
  }

  /** All groups, with `between` from one to the next. */
  function body(
    params: TensorParams,
    part: 'encoder' | 'decoder',
    groups: readonly (readonly BlockShape[])[],
    input: tf.Tensor,
    between: (x: tf.Tensor) => tf.Tensor,
  ): tf.Tensor {
    let x = input;
    groups.forEach((blocks, i) => {
      for (const { name, inputs, outputs } of blocks) {
        x = block(params, `${part}.${name}`, inputs !== outputs, x);
      }
      if (i < groups.length - 1) x = between(x);
    });
    return tf.relu(x);
  }

  function encode(params: TensorParams, images: tf.Tensor): tf.Tensor4D {
    const [, height, width] = images.shape as [number, number, number, number];
    if (images.rank !== 4 || images.shape[3] !== 3 || height % factor !== 0 || width % factor !== 0) {
      throw new RangeError(
        `The images are [${images.shape}]; expected [batch, height, width, 3], sides multiples of ${factor}.`,
      );
    }
    const x = conv(params, 'encoder.blocks.input', mapPixels(images));
    const features = body(params, 'encoder', encoderGroups(config), x, maxPool2d);
    return pointwise(params, 'encoder.blocks.output.conv', features);
  }

  /** The decoder's input layer: what the codebook is elsewhere. */
  function embed(params: TensorParams, tokens: tf.Tensor): tf.Tensor4D {
    if (tokens.rank === 4) {
      assertShape(tokens, [-1, -1, -1, vocabSize], 'The relaxed tokens');
      return pointwise(params, 'decoder.blocks.input', tokens);
    }
    if (tokens.rank !== 3 || tokens.dtype !== 'int32') {
      throw new TypeError(
        `The tokens are ${tokens.dtype} of shape [${tokens.shape}]; expected int32 [batch, rows, columns], or float32 ` +
          `[batch, rows, columns, ${vocabSize}].`,
      );
    }
    // The row of the codebook that a one-hot vector would pick.
    const [weight, bias] = layer(params, 'decoder.blocks.input');
    const codebook = tf.transpose(tf.reshape(weight, [config.decoderInitDim, vocabSize]));
    return tf.add(tf.gather(codebook, tokens as tf.Tensor3D), bias);
  }

  function decode(params: TensorParams, tokens: tf.Tensor): PixelDistribution {
    const features = body(params, 'decoder', decoderGroups(config), embed(params, tokens), (x) =>
      upsample2d(x),
    );
    const maps = conv(params, 'decoder.blocks.output.conv', features);
    const [mu, logB] = tf.split(maps, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
    return { mu, logB };
  }

  return {
    config,
    downsampling: factor,
    gridSize: (imageSize) => gridSize(config, imageSize),
    parameterShapes: () => parameterShapes(config),
    init(random) {
      assertMemory('The dVAE', shapes);
      return Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => {
          const [, inputs, kh, kw] = shape as [number, number, number, number];
          return [
            name,
            shape.length === 1 ? constant(shape, 0) : normal(random, shape, 1 / Math.sqrt(inputs * kh * kw)),
          ];
        }),
      );
    },
    encode: (params, images) => tf.tidy(() => encode(params, images)),
    decode: (params, tokens) =>
      tf.tidy(() => ({ ...decode(params, tokens) })) as unknown as PixelDistribution,
    tokenize: (params, images) =>
      tf.tidy(() => {
        const logits = encode(params, images);
        const [batch, rows, columns] = logits.shape;
        return tf.reshape(tf.argMax(logits, 3), [batch, rows * columns]);
      }),
    decodeTokens: (params, tokens, [rows, columns]) =>
      tf.tidy(() => {
        assertShape(tokens, [-1, rows * columns], 'The tokens');
        const grid = tf.reshape(tokens, [tokens.shape[0]!, rows, columns]);
        return unmapPixels(tf.sigmoid(decode(params, grid).mu)) as tf.Tensor4D;
      }),
  };
}
