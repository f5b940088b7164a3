import { layerNorm, type TensorParams } from '@beit/nn';
import type { NamedTensors } from '@beit/tensors';
import type { Vit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';

/** One vector for an image, the cls token, or a vector for each patch. */
export const FEATURES = ['pooled', 'cls', 'patches'] as const;
export type FeatureKind = (typeof FEATURES)[number];

/** The norms that a checkpoint may have after the last block. */
const NORMS = ['norm', 'fc_norm'] as const;
type Norm = (typeof NORMS)[number];

/** Parameters of the encoder, and of the norm that comes after it. */
export const encoderParams = (vit: Vit, tensors: NamedTensors): NamedTensors =>
  Object.fromEntries(
    Object.entries(tensors).filter(
      ([name]) =>
        name in vit.parameterShapes() ||
        NORMS.some((norm) => [`${norm}.weight`, `${norm}.bias`].includes(name)),
    ),
  );

/**
 * What an encoder says of images, as timm's `forward_head(forward_features(x), pre_logits=True)` and `forward_features` do:
 * with `fc_norm`, the mean of the patches, normalized; with `norm`, all tokens normalized first, and then the mean, or the
 * cls token. Without either nothing is normalized.
 *
 * @param params those of `encoderParams`
 * @param pooling of a classifier, what goes into its head
 * @returns a pure function of them and of normalized images `[batch, size, size, 3]`: `[batch, embedDim]`, or
 *   `[batch, patches, embedDim]` row by row
 */
export const imageFeatures =
  (vit: Vit, params: NamedTensors, kind: FeatureKind, pooling: 'mean' | 'cls') =>
  (tensors: TensorParams, images: tf.Tensor): tf.Tensor =>
    tf.tidy(() => {
      const { embedDim, config } = vit;
      const normalized = (x: tf.Tensor, norm: Norm) =>
        `${norm}.weight` in params
          ? layerNorm(x, tensors[`${norm}.weight`]!, tensors[`${norm}.bias`]!, config.layerNormEpsilon)
          : x;
      const encoded = vit.encode(tensors, vit.embedPatches(tensors, images)).features;
      const tokens = normalized(encoded, 'norm');
      const [batch, count] = tokens.shape as [number, number, number];
      const patches = tf.slice(tokens, [0, 1, 0], [batch, count - 1, embedDim]);
      const cls = tf.squeeze(tf.slice(tokens, [0, 0, 0], [batch, 1, embedDim]), [1]);
      if (kind === 'patches') return patches;
      if (kind === 'cls' || pooling === 'cls') return cls;
      return normalized(tf.mean(patches, 1), 'fc_norm');
    });
