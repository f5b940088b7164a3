import type { Backbone, TensorParams } from '@beit/nn';
import {
  assertShape,
  binaryCrossEntropy,
  constant,
  layerNorm,
  linear,
  softTargetCrossEntropy,
  truncatedNormal,
} from '@beit/nn';
import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';

/** What stands for an image: the mean of its patches (BEiT), or the cls token. */
export type Pooling = 'mean' | 'cls';

export interface ClassifierConfig {
  readonly backbone: Pick<Backbone<'features'>, 'embedDim' | 'init' | 'embedPatches' | 'encode'>;
  readonly numClasses: number;
  /** Default 'mean'. */
  readonly pooling?: Pooling;
  /** Whether any number of the classes may be in an image, each by itself; else there is one. Default false. */
  readonly multiLabel?: boolean;
  /** Epsilon of the norm before the head. Default 1e-6. */
  readonly layerNormEpsilon?: number;
  /** Factor on the head's first weights. Default 0.001, as the released fine-tuning code. */
  readonly headInitScale?: number;
}

export interface ClassifierOutputs {
  /** Mean cross-entropy with the targets, nats; with several labels binary, the mean over images and classes. */
  loss: tf.Scalar;
  /** Share of images whose most likely class is their target's; with several labels, of classes that are rightly there or not. */
  accuracy: tf.Scalar;
}

export interface Classifier {
  readonly backbone: Pick<Backbone<'features'>, 'embedDim' | 'init' | 'embedPatches' | 'encode'>;
  readonly numClasses: number;
  /** Parameters of the backbone, `fc_norm.*` (mean) or `norm.*` (cls), and `head.*`. */
  init(random: Random): NamedTensors;
  /** What goes into the head, `[batch, embedDim]`: pooled and normalized. */
  features(params: TensorParams, images: tf.Tensor, dropPathKeeps?: tf.Tensor): tf.Tensor2D;
  /** `[batch, numClasses]` of normalized images `[batch, size, size, 3]`. */
  logits(params: TensorParams, images: tf.Tensor, dropPathKeeps?: tf.Tensor): tf.Tensor2D;
  /** The objective. `targets` are probabilities, `[batch, numClasses]`: see `softTargets`, `multiLabelTargets`. */
  loss(
    params: TensorParams,
    images: tf.Tensor,
    targets: tf.Tensor,
    dropPathKeeps?: tf.Tensor,
  ): ClassifierOutputs;
}

const INIT_STD = 0.02;

/**
 * An image classifier: the encoder's features, pooled, and a linear head.
 * Paper: BEiT, section 2.6. Reference: microsoft/unilm beit/modeling_finetune.py.
 *
 * @throws RangeError when there are fewer than two classes
 */
export function createClassifier({
  backbone,
  numClasses,
  pooling = 'mean',
  multiLabel = false,
  layerNormEpsilon = 1e-6,
  headInitScale = 0.001,
}: ClassifierConfig): Classifier {
  const { embedDim } = backbone;
  if (!Number.isSafeInteger(numClasses) || numClasses < 2) {
    throw new RangeError(`numClasses is ${numClasses}; expected an integer of at least 2.`);
  }
  const norm = pooling === 'mean' ? 'fc_norm' : 'norm';

  function init(random: Random): NamedTensors {
    return {
      ...backbone.init(random),
      [`${norm}.weight`]: constant([embedDim], 1),
      [`${norm}.bias`]: constant([embedDim], 0),
      ...initHead(random),
    };
  }

  function initHead(random: Random): NamedTensors {
    const weight = truncatedNormal(random, [numClasses, embedDim], INIT_STD, INIT_STD);
    return {
      'head.weight': { ...weight, data: Float32Array.from(weight.data, (x) => x * headInitScale) },
      'head.bias': constant([numClasses], 0),
    };
  }

  function features(params: TensorParams, images: tf.Tensor, dropPathKeeps?: tf.Tensor): tf.Tensor2D {
    const embedded = backbone.embedPatches(params, images);
    const tokens = backbone.encode(params, embedded, dropPathKeeps && { dropPathKeeps }).features;
    const [batch, count] = tokens.shape as [number, number, number];
    const pooled =
      pooling === 'mean'
        ? tf.mean(tf.slice(tokens, [0, 1, 0], [batch, count - 1, embedDim]), 1)
        : tf.squeeze(tf.slice(tokens, [0, 0, 0], [batch, 1, embedDim]), [1]);
    return layerNorm(
      pooled,
      params[`${norm}.weight`]!,
      params[`${norm}.bias`]!,
      layerNormEpsilon,
    ) as tf.Tensor2D;
  }

  const logits = (params: TensorParams, images: tf.Tensor, dropPathKeeps?: tf.Tensor) =>
    linear(
      features(params, images, dropPathKeeps),
      params['head.weight']!,
      params['head.bias'],
    ) as tf.Tensor2D;

  function loss(
    params: TensorParams,
    images: tf.Tensor,
    targets: tf.Tensor,
    dropPathKeeps?: tf.Tensor,
  ): ClassifierOutputs {
    assertShape(targets, [images.shape[0]!, numClasses], 'The targets');
    const predicted = logits(params, images, dropPathKeeps);
    const right = multiLabel
      ? tf.equal(tf.greaterEqual(predicted, 0), tf.greaterEqual(targets, 0.5))
      : tf.equal(tf.argMax(predicted, 1), tf.argMax(targets, 1));
    const crossEntropy = multiLabel ? binaryCrossEntropy : softTargetCrossEntropy;
    return {
      loss: tf.mean(crossEntropy(predicted, targets)) as tf.Scalar,
      accuracy: tf.mean(tf.cast(right, 'float32')) as tf.Scalar,
    };
  }

  return { backbone, numClasses, init, features, logits, loss };
}
