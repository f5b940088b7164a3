import * as tf from '@tensorflow/tfjs';

/** log Σ exp over the last axis, which stays with size 1; stable for large logits. */
function logSumExp(logits: tf.Tensor): tf.Tensor {
  const largest = tf.max(logits, -1, true);
  return tf.add(tf.log(tf.sum(tf.exp(tf.sub(logits, largest)), -1, true)), largest);
}

/**
 * -Σ target log p of every row, in nats; targets sum to 1. The gradient is p - target, in closed form.
 * Reference: timm loss/cross_entropy.py, SoftTargetCrossEntropy.
 *
 * @param logits `[rows, classes]`
 * @param targets `[rows, classes]`, probabilities; they get no gradient
 * @returns `[rows]`
 */
export function softTargetCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor1D {
  return tf.customGrad((input, save) => {
    const x = input as tf.Tensor;
    const normalizer = logSumExp(x);
    (save as tf.GradSaveFunc)([x, normalizer, targets]);
    return {
      value: tf.sub(tf.squeeze(normalizer, [1]), tf.sum(tf.mul(x, targets), -1)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [z, n, target] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        return [tf.mul(tf.sub(tf.exp(tf.sub(z, n)), target), tf.expandDims(dy, 1))];
      },
    };
  })(logits) as tf.Tensor1D;
}

/**
 * The mean over the classes of -(target log p + (1 - target) log (1 - p)), p = sigmoid(logit), of every row, in nats: each
 * class is there or not, by itself. Stable for large logits; the gradient is (p - target) / classes, in closed form.
 * Reference: torch BCEWithLogitsLoss, whose mean over all elements is the mean over the rows.
 *
 * @param logits `[rows, classes]`
 * @param targets `[rows, classes]` in [0, 1]; they get no gradient
 * @returns `[rows]`
 * @throws RangeError when the shapes do not fit
 */
export function binaryCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor1D {
  const [rows, classes] = logits.shape as [number, number];
  if (logits.rank !== 2 || targets.rank !== 2 || targets.shape[0] !== rows || targets.shape[1] !== classes) {
    throw new RangeError(
      `Binary cross-entropy of logits [${logits.shape}] and targets [${targets.shape}]; expected [rows, classes] twice.`,
    );
  }
  return tf.customGrad((input, save) => {
    const x = input as tf.Tensor;
    (save as tf.GradSaveFunc)([x, targets]);
    // log(1 + e^x) - target x, with the exponential of what is not above 0.
    const softplus = tf.add(tf.relu(x), tf.log1p(tf.exp(tf.neg(tf.abs(x)))));
    return {
      value: tf.mean(tf.sub(softplus, tf.mul(x, targets)), -1),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [z, target] = saved as [tf.Tensor, tf.Tensor];
        return [tf.mul(tf.sub(tf.sigmoid(z), target), tf.div(tf.expandDims(dy, 1), classes))];
      },
    };
  })(logits) as tf.Tensor1D;
}

/**
 * -log p(label) of every row, in nats.
 *
 * @param logits `[rows, classes]`
 * @param labels `[rows]` int32 in [0, classes)
 * @returns `[rows]`
 * @throws RangeError when the shapes do not fit; when it runs, for a label that is no class
 */
export function sparseCrossEntropy(logits: tf.Tensor, labels: tf.Tensor): tf.Tensor1D {
  const [, classes] = logits.shape as [number, number];
  if (logits.rank !== 2 || labels.rank !== 1 || labels.shape[0] !== logits.shape[0]) {
    throw new RangeError(
      `Cross-entropy of logits [${logits.shape}] and labels [${labels.shape}]; expected [rows, classes] and [rows].`,
    );
  }
  const targets = tf.cast(tf.oneHot(labels as tf.Tensor1D, classes), 'float32');
  return tf.add(softTargetCrossEntropy(logits, targets), zeroWithin(labels, classes)) as tf.Tensor1D;
}

/**
 * Zeros, `[rows]`, that check labels: `oneHot` makes a row of zeros of a label that is no class, and the loss would be a
 * number that looks right. A gather refuses it.
 */
const zeroWithin = (labels: tf.Tensor, classes: number): tf.Tensor =>
  tf.gather(tf.zeros([classes]), labels as tf.Tensor1D);

/**
 * The mean of `values`, weighted. All weights zero give 0, not NaN: a batch without a single masked patch is no error.
 *
 * @param values `[rows]`
 * @param weights `[rows]`, 0 or larger
 */
export const weightedMean = (values: tf.Tensor, weights: tf.Tensor): tf.Scalar =>
  tf.div(tf.sum(tf.mul(values, weights)), tf.maximum(tf.sum(weights), 1e-12)) as tf.Scalar;
