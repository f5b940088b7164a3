import type { EngineOptions } from '@beit/apps-shared';
import { type ClassificationMetrics, type Classifier, classificationMetrics } from '@beit/classification';
import { compile } from '@beit/compile';
import { createLoader, type TwoViewOptions } from '@beit/data';
import type { HostTensor, NamedTensors } from '@beit/weights';
import type * as tf from '@tensorflow/tfjs';
import type { Labelled } from './dataset';

type Tensors = Record<string, tf.Tensor>;

const LARGEST_BATCH = 64;

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

export interface Evaluation {
  evaluate(params: NamedTensors, onBatch?: (done: number, total: number) => void): Promise<Evaluated>;
  unreadable(): readonly { readonly name: string; readonly reason: string }[];
  dispose(): Promise<void>;
}

export interface EvaluationOptions {
  readonly classifier: Classifier;
  /** Of the right names and shapes; the program is compiled with them. */
  readonly params: NamedTensors;
  readonly images: Labelled;
  readonly view: TwoViewOptions;
  readonly engine: EngineOptions;
  readonly workers: number;
}

/** Measures a classifier on labelled images; the program is compiled once. */
export async function openEvaluation(options: EvaluationOptions): Promise<Evaluation> {
  const { classifier, images, view, engine } = options;
  const { source } = images;
  const count = source.names.length;
  const batchSize = Math.min(count, LARGEST_BATCH);
  const loader = createLoader({
    source,
    batchSize,
    seed: 0,
    views: view,
    shuffle: false,
    dropLast: false,
    workers: options.workers,
  });
  const program = await compile(
    (params: Tensors, { images }: { images: tf.Tensor }) => ({
      state: params,
      outputs: { logits: classifier.logits(params, images) as tf.Tensor },
    }),
    {
      state: options.params,
      inputs: { images: { dtype: 'float32', shape: [batchSize, view.imageSize, view.imageSize, 3] } },
    },
    engine,
  );
  const { numClasses } = classifier;

  return {
    async evaluate(params, onBatch = () => {}) {
      await program.writeState(params);
      const data = new Float32Array(count * numClasses);
      const read: number[] = [];
      for (let step = 0; step < loader.stepsPerEpoch; step++) {
        const { images, indices } = await loader.batch(step);
        const out = await program.run({ images });
        for (const [i, index] of indices.entries()) {
          // Others stand for images that cannot be read, or fill the last batch up.
          if (index !== step * batchSize + i) continue;
          data.set(out.logits.data.subarray(i * numClasses, (i + 1) * numClasses), read.length * numClasses);
          read.push(index);
        }
        onBatch(Math.min(count, (step + 1) * batchSize), count);
      }
      const logits: HostTensor = {
        dtype: 'float32',
        shape: [read.length, numClasses],
        data: data.subarray(0, read.length * numClasses),
      };
      const labels = Int32Array.from(read, (index) => images.labels[index]!);
      const metrics = classificationMetrics(logits, labels);
      return { logits, indices: read, labels, metrics, loss: crossEntropy(logits, labels) };
    },
    unreadable: () => loader.unreadable(),
    async dispose() {
      await program.dispose();
      await loader.close();
    },
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

function crossEntropy({ data, shape }: HostTensor, labels: ArrayLike<number>): number {
  const [count, numClasses] = shape as [number, number];
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum -= Math.log(softmax(data.subarray(i * numClasses, (i + 1) * numClasses))[labels[i]!]!);
  }
  return sum / count;
}
