import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';

/** Parameters by name, as functions of them take them. */
export type TensorParams = Readonly<Record<string, tf.Tensor>>;

/**
 * What heads and objectives need to know of an encoder of images; `createVit` of `@beit/vit` makes one.
 *
 * @typeParam F which features are asked of it
 */
export interface Backbone<F extends keyof BackboneFeatures = keyof BackboneFeatures> {
  /** Patches, [rows, columns]. */
  readonly gridSize: readonly [number, number];
  readonly embedDim: number;
  init(random: Random): NamedTensors;
  /** Normalized images `[batch, height, width, channels]` to `[batch, patches, embedDim]`. */
  embedPatches(params: TensorParams, images: tf.Tensor): tf.Tensor;
  /** Patch embeddings through all blocks. */
  encode(
    params: TensorParams,
    patchEmbeddings: tf.Tensor,
    options?: BackboneOptions,
  ): Pick<BackboneFeatures, F>;
}

export interface BackboneOptions {
  /** Which residual branches are kept, `[depth, 2, batch]` of 0 and 1. Left out: all. */
  readonly dropPathKeeps?: tf.Tensor;
  /**
   * `[batch, count]` int32, row-major indices of the only patches whose features are wanted; an encoder that saves nothing
   * by it may give those of all tokens. Left out: all tokens.
   */
  readonly positions?: tf.Tensor;
}

export interface BackboneFeatures {
  /** After the last block, `[batch, 1 + patches, embedDim]`, cls first; or those of `positions` alone, `[batch, count, embedDim]`. */
  readonly features: tf.Tensor;
  /** `hidden[i]`: what leaves block i - 1, of all tokens, `[batch, 1 + patches, embedDim]`, cls first. */
  readonly hidden: readonly tf.Tensor[];
}
