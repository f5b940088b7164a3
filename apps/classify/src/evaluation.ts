import { type ClassificationMetrics, type Classifier, classificationMetrics } from '@beit/classification';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import { type ForwardPass, type ForwardPassOptions, openForwardPass } from './forwardPass';

export interface Evaluated {
  /** `[images, numClasses]`, without images that could not be read. */
  readonly logits: HostTensor;
  /** Which images these are, and their labels. */
  readonly indices: readonly number[];
  readonly labels: Int32Array;
  readonly metrics: ClassificationMetrics;
  /** Mean cross-entropy, nats. */
  readonly loss: number;
}

export interface Evaluation extends Pick<ForwardPass, 'unreadable' | 'dispose'> {
  evaluate(params: NamedTensors, onBatch?: (done: number, total: number) => void): Promise<Evaluated>;
}

/** Measures a classifier on labelled images; the program is compiled once. */
export async function openEvaluation({
  classifier,
  ...options
}: Omit<ForwardPassOptions, 'of'> & { readonly classifier: Classifier }): Promise<Evaluation> {
  const of = (params: Record<string, tf.Tensor>, images: tf.Tensor) => classifier.logits(params, images);
  const pass = await openForwardPass({ ...options, of });
  return {
    async evaluate(params, onBatch) {
      const { output: logits, indices, labels } = await pass.run(params, onBatch);
      const metrics = classificationMetrics(logits, labels);
      return { logits, indices, labels, metrics, loss: crossEntropy(logits, labels) };
    },
    unreadable: pass.unreadable,
    dispose: pass.dispose,
  };
}

/** The class with the largest of some logits or probabilities, the first of equal ones. */
export function mostLikely(values: ArrayLike<number>): number {
  let best = 0;
  for (let label = 1; label < values.length; label++) if (values[label]! > values[best]!) best = label;
  return best;
}

/** Logits of one image to probabilities. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const largest = values.reduce((max, x) => Math.max(max, x), Number.NEGATIVE_INFINITY);
  const exponentials = values.map((x) => Math.exp(x - largest));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((x) => x / sum);
}

/** Logits of classes that are there or not, each by itself, to probabilities. */
export const sigmoid = (logits: ArrayLike<number>): Float64Array =>
  Float64Array.from(logits, (x) => 1 / (1 + Math.exp(-x)));

function crossEntropy({ data, shape }: HostTensor, labels: ArrayLike<number>): number {
  const [count, numClasses] = shape as [number, number];
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum -= Math.log(softmax(data.subarray(i * numClasses, (i + 1) * numClasses))[labels[i]!]!);
  }
  return sum / count;
}
