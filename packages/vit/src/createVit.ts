import { assertShape, dropPathRates, linear, patchify, type TensorParams } from '@beit/nn';
import type { Random } from '@beit/random';
import { assertMemory, assertParameterCount, type NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { blockParams, transformerBlock } from './block';
import { type InitStyle, initParams } from './initParams';
import { parameter } from './parameter';
import { parameterShapes } from './parameterShapes';
import { relativePositionBias } from './relativePositionBias';
import { gridOf, type ResolvedVitConfig, resolveVitConfig, type VitConfig } from './vitConfig';

export interface EncodeOptions {
  /** Which residual branches are kept, `[depth, 2, batch]` of 0 and 1; see `drawDropPathKeeps`. Left out: all. */
  readonly dropPathKeeps?: tf.Tensor;
  /** Also give the attention of every block; false by default. */
  readonly withAttention?: boolean;
  /**
   * `[batch, count]` int32, row-major indices of the only patches whose features are wanted: the last block then
   * computes no others, which saves half of its work for 75 of 196. Left out: all tokens.
   */
  readonly positions?: tf.Tensor;
}

export interface Encoded {
  /** After the last block, before any final norm, `[batch, 1 + patches, embedDim]`, cls first; or `positions` alone. */
  readonly features: tf.Tensor3D;
  /** `hidden[0]` is what enters the first block, `hidden[i]` what leaves block i, of all tokens; the last is `features`. */
  readonly hidden: readonly tf.Tensor3D[];
  /**
   * `[batch, numHeads, tokens, tokens]` of every block; a row is a query and sums to 1. The last one has rows for
   * `positions` alone. Only `withAttention`.
   */
  readonly attention: readonly tf.Tensor4D[];
}

export interface Vit {
  readonly config: ResolvedVitConfig;
  /** Patches, [rows, columns]. */
  readonly gridSize: readonly [number, number];
  readonly embedDim: number;
  parameterShapes(): Record<string, number[]>;
  /** @throws RangeError where they take more memory than this machine has */
  init(random: Random, style?: InitStyle): NamedTensors;
  /** Normalized images `[batch, height, width, inChannels]` to patch embeddings `[batch, patches, embedDim]`, without positions. */
  embedPatches(params: TensorParams, images: tf.Tensor): tf.Tensor3D;
  /** Patch embeddings through cls token, positions and all blocks. */
  encode(params: TensorParams, patchEmbeddings: tf.Tensor, options?: EncodeOptions): Encoded;
}

/**
 * BEiT's vision transformer: pre-norm blocks without dropout. Reference: microsoft/unilm beit/modeling_finetune.py.
 *
 * @throws RangeError for sizes that do not fit together, or make more than 1e11 parameters
 */
export function createVit(vitConfig: VitConfig): Vit {
  const config = resolveVitConfig(vitConfig);
  const { imageSize, patchSize, inChannels, embedDim, depth, numHeads, layerNormEpsilon } = config;
  assertParameterCount('The vision transformer', parameterShapes(config));
  const gridSize = gridOf(config);
  const tokens = gridSize[0] * gridSize[1] + 1;
  const rates = dropPathRates(config.dropPathRate, depth);

  function embedPatches(params: TensorParams, images: tf.Tensor): tf.Tensor3D {
    assertShape(images, [-1, ...imageSize, inChannels], 'The images');
    // The patch projection is a convolution whose windows do not overlap: a matrix product over flattened patches.
    const kernel = parameter(params, 'patch_embed.proj.weight');
    const weight = tf.reshape(kernel, [embedDim, inChannels * patchSize * patchSize]);
    return linear(patchify(images, patchSize), weight, params['patch_embed.proj.bias']) as tf.Tensor3D;
  }

  function encode(
    params: TensorParams,
    patchEmbeddings: tf.Tensor,
    { dropPathKeeps, withAttention = false, positions }: EncodeOptions = {},
  ): Encoded {
    assertShape(patchEmbeddings, [-1, tokens - 1, embedDim], 'The patch embeddings');
    if (positions) assertShape(positions, [patchEmbeddings.shape[0]!, -1], 'The positions');
    const batch = patchEmbeddings.shape[0]!;
    const keeps = dropPathKeeps && tf.unstack(tf.reshape(dropPathKeeps, [depth * 2, batch]));
    const shared = params['rel_pos_bias.relative_position_bias_table'];
    const sharedBias = shared && relativePositionBias(shared, gridSize);

    const cls = tf.tile(parameter(params, 'cls_token'), [batch, 1, 1]);
    let x = tf.concat([cls, patchEmbeddings], 1); // [batch, tokens, embedDim]
    if (params.pos_embed) x = tf.add(x, params.pos_embed);
    const hidden = [x];
    const tokenPositions = positions && tf.add(positions, tf.scalar(1, 'int32')); // cls comes first
    const attention: tf.Tensor[] = [];
    for (const [i, dropPathRate] of rates.entries()) {
      const block = transformerBlock(x, blockParams(params, i), {
        gridSize,
        numHeads,
        layerNormEpsilon,
        sharedBias,
        queries: i === depth - 1 ? tokenPositions : undefined,
        dropPathRate,
        keeps: keeps && [keeps[2 * i]!, keeps[2 * i + 1]!],
      });
      x = block.x;
      hidden.push(x);
      if (withAttention) attention.push(tf.softmax(block.logits));
    }
    return {
      features: x as tf.Tensor3D,
      hidden: hidden as tf.Tensor3D[],
      attention: attention as tf.Tensor4D[],
    };
  }

  return {
    config,
    gridSize,
    embedDim,
    parameterShapes: () => parameterShapes(config),
    init(random, style) {
      assertMemory('The vision transformer', parameterShapes(config));
      return initParams(config, random, style);
    },
    embedPatches,
    encode,
  };
}
