import type { TensorParams } from '@beit/nn';
import { assertShape, constant, linear, normal, sparseCrossEntropy } from '@beit/nn';
import type { AdamWConfig } from '@beit/optim';
import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';

export interface LinearProbeConfig {
  /** Blocks of the backbone, one classifier for each. */
  readonly layers: number;
  /** Width of what a classifier sees: `2 * embedDim` for `probeFeatures`. */
  readonly featureDim: number;
  readonly numClasses: number;
}

export type LinearProbeOutputs = {
  /** Sum of `losses`, which makes each classifier's gradient that of its own loss. */
  loss: tf.Scalar;
  /** Mean cross-entropy of every layer's classifier, nats, `[layers]`. */
  losses: tf.Tensor1D;
  /** Share of images whose most likely class is their label, `[layers]`. */
  accuracies: tf.Tensor1D;
};

export interface LinearProbe {
  readonly config: LinearProbeConfig;
  /** `linear.{layer}.weight` `[numClasses, featureDim]`, normal with deviation 0.01, and `linear.{layer}.bias`, zeros. */
  init(random: Random): NamedTensors;
  /** `[batch, numClasses]` of every layer, of features `[batch, layers, featureDim]`. */
  logits(params: TensorParams, features: tf.Tensor): tf.Tensor2D[];
  /** The objective. `labels` are class indices, int32 `[batch]`. */
  loss(params: TensorParams, features: tf.Tensor, labels: tf.Tensor): LinearProbeOutputs;
}

/**
 * The optimizer's settings for a linear probe: `adamW(LINEAR_PROBE_ADAMW)`. Biases decay too, and a backbone that is
 * among the parameters stays as it is. The learning rate is 4e-3 for batches of 1024 and in proportion for others, with
 * half a cosine to 0 and no warm-up, for 50 epochs (the reference's default is 100).
 * Paper: BEiT, appendix D. Reference: microsoft/unilm beit/run_linear_eval.py @006195f, which moves it once per epoch.
 */
export const LINEAR_PROBE_ADAMW = {
  weightDecay: 1e-4,
  decays: () => true,
  trainable: (name: string) => name.startsWith('linear.'),
} as const satisfies AdamWConfig;

const INIT_STD = 0.01;

/**
 * One linear classifier on each layer of a frozen backbone, all trained together; they share no parameters, so each
 * learns as it would alone. `loss` is made for `trainStep` of `@beit/optim`, on features that were computed once or,
 * with `probeFeatures` inside the step, on images that are augmented anew in every epoch.
 * Paper: BEiT, appendix D. Reference: microsoft/unilm beit/run_linear_eval.py @006195f, names of parameters included.
 *
 * @throws RangeError when a size is not a positive integer, or there are fewer than two classes
 */
export function createLinearProbe(config: LinearProbeConfig): LinearProbe {
  const { layers, featureDim, numClasses } = config;
  for (const [name, value, least] of [
    ['layers', layers, 1],
    ['featureDim', featureDim, 1],
    ['numClasses', numClasses, 2],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < least) {
      throw new RangeError(`${name} is ${value}; expected an integer of at least ${least}.`);
    }
  }

  function init(random: Random): NamedTensors {
    const params: NamedTensors = {};
    for (let layer = 0; layer < layers; layer++) {
      params[`linear.${layer}.weight`] = normal(random, [numClasses, featureDim], INIT_STD);
      params[`linear.${layer}.bias`] = constant([numClasses], 0);
    }
    return params;
  }

  function logits(params: TensorParams, features: tf.Tensor): tf.Tensor2D[] {
    assertShape(features, [-1, layers, featureDim], 'The features');
    return tf
      .unstack(features, 1)
      .map(
        (seen, layer) =>
          linear(seen, params[`linear.${layer}.weight`]!, params[`linear.${layer}.bias`]!) as tf.Tensor2D,
      );
  }

  function loss(params: TensorParams, features: tf.Tensor, labels: tf.Tensor): LinearProbeOutputs {
    assertShape(labels, [features.shape[0]!], 'The labels');
    const predicted = logits(params, features);
    const losses = tf.stack(predicted.map((own) => tf.mean(sparseCrossEntropy(own, labels))));
    const accuracies = tf.stack(
      predicted.map((own) => tf.mean(tf.cast(tf.equal(tf.argMax(own, 1), labels), 'float32'))),
    );
    return {
      loss: tf.sum(losses) as tf.Scalar,
      losses: losses as tf.Tensor1D,
      accuracies: accuracies as tf.Tensor1D,
    };
  }

  return { config, init, logits, loss };
}
