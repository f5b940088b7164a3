import {
  type ClassificationMetrics,
  type Classifier,
  classificationMetrics,
  type MultiLabelMetrics,
  multiLabelMetrics,
} from '@beit/classification';
import type { LabelSets } from '@beit/data';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import { type ForwardPass, type ForwardPassOptions, openForwardPass } from './forwardPass';
import { chosenLabels, type Labelled, type Labels } from './labels';

interface EvaluatedImages {
  /** `[images, numClasses]`, without images that could not be read. */
  readonly logits: HostTensor;
  /** Which images these are. */
  readonly indices: readonly number[];
  /** Mean cross-entropy, nats; with several labels binary, the mean over images and classes. */
  readonly loss: number;
}

/** Of images with one label each. */
export interface EvaluatedSingle extends EvaluatedImages {
  readonly multiLabel: false;
  readonly labels: Int32Array;
  readonly metrics: ClassificationMetrics;
}

/** Of images with any number of labels each. */
export interface EvaluatedMulti extends EvaluatedImages {
  readonly multiLabel: true;
  readonly labels: LabelSets;
  readonly metrics: MultiLabelMetrics;
}

export type Evaluated = EvaluatedSingle | EvaluatedMulti;

export interface Evaluation extends Pick<ForwardPass, 'unreadable' | 'dispose'> {
  evaluate(params: NamedTensors, onBatch?: (done: number, total: number) => void): Promise<Evaluated>;
}

/** Measures a classifier on labelled images; the program is compiled once. */
export async function openEvaluation({
  classifier,
  images: { source, labels },
  ...options
}: Omit<ForwardPassOptions, 'of' | 'source'> & {
  readonly classifier: Classifier;
  readonly images: Labelled;
}): Promise<Evaluation> {
  const of = (params: Record<string, tf.Tensor>, images: tf.Tensor) => classifier.logits(params, images);
  const pass = await openForwardPass({ ...options, source, of });
  return {
    async evaluate(params, onBatch) {
      const { output: logits, indices } = await pass.run(params, onBatch);
      return { logits, indices, ...measured(logits, chosenLabels(labels, indices)) };
    },
    unreadable: pass.unreadable,
    dispose: pass.dispose,
  };
}

type Measured = Omit<EvaluatedSingle, 'logits' | 'indices'> | Omit<EvaluatedMulti, 'logits' | 'indices'>;

const measured = (logits: HostTensor, labels: Labels): Measured =>
  labels instanceof Int32Array
    ? {
        multiLabel: false,
        labels,
        metrics: classificationMetrics(logits, labels),
        loss: crossEntropy(logits, labels),
      }
    : {
        multiLabel: true,
        labels,
        metrics: multiLabelMetrics(logits, labels),
        loss: binaryCrossEntropy(logits, labels),
      };

/** The class with the largest of some logits or probabilities, the first of equal ones. */
export function mostLikely(values: ArrayLike<number>): number {
  let best = 0;
  for (let label = 1; label < values.length; label++) if (values[label]! > values[best]!) best = label;
  return best;
}

/** The classes whose own probability is at least 0.5, from their logits. */
export const likely = (logits: ArrayLike<number>): number[] =>
  Array.from(logits).flatMap((logit, label) => (logit >= 0 ? [label] : []));

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

function binaryCrossEntropy({ data }: HostTensor, labels: LabelSets): number {
  const numClasses = data.length / labels.length;
  const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  let sum = 0;
  for (const [i, own] of labels.entries()) {
    for (let label = 0; label < numClasses; label++) {
      const logit = data[i * numClasses + label]!;
      sum += softplus(own.includes(label) ? -logit : logit);
    }
  }
  return sum / data.length;
}
