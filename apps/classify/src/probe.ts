import { join } from 'node:path';
import {
  classificationMetrics,
  createLinearProbe,
  knn,
  LINEAR_PROBE_ADAMW,
  probeFeatures,
} from '@beit/classification';
import { gibibytes, passProgress, writeJson } from '@beit/cli';
import { compile, compileForward } from '@beit/compile';
import { adamW, cosineSchedule, trainState, trainStep } from '@beit/optim';
import { createRandom } from '@beit/random';
import { cloneTensors, type HostTensor, makeFolder } from '@beit/tensors';
import type { ProgressReporter } from '@beit/trainer';
import type * as tf from '@tensorflow/tfjs';
import { openForwardPass } from './forwardPass';
import { chosenLabels, type Labelled, singleLabels } from './labels';
import type { Options } from './options';
import { prepareTask } from './prepareTask';
import { plainView, preprocessingOf } from './views';

/** One block: top-1 on the validation images, in [0, 1]. */
export interface LayerProbe {
  readonly layer: number;
  readonly nearestNeighbors: number;
  readonly linear: number;
}

// Paper: appendix D.
const LEARNING_RATE = 4e-3;
const BATCH = 1024;
const EPOCHS = 50;
/** With small sets 50 epochs would be a few steps. */
const FEWEST_STEPS = 1000;
const NEIGHBORS = 20;
/** At once; their similarities with all training images are in memory. */
const NEIGHBOR_QUERIES = 256;
/** Features are computed once and kept. */
const MOST_FEATURE_BYTES = 8 * 2 ** 30;

/** Frozen features of every block: k nearest neighbours, and a linear classifier. Paper: appendix D. */
export async function probe(options: Options, progress: ProgressReporter): Promise<LayerProbe[]> {
  const { engine, workers, labelShare } = options;
  const { dataset, recipe, model, start, startedFrom } = await prepareTask(options, progress);
  const { vit } = model;
  singleLabels(dataset.train.labels, "'probe'");
  const numClasses = dataset.classes.length;
  const bytes = dataset.train.labels.length * vit.config.depth * 2 * vit.embedDim * 4;
  if (bytes > MOST_FEATURE_BYTES) {
    throw new Error(
      `The features of ${dataset.train.labels.length} images take ${gibibytes(bytes)}, more than ${gibibytes(MOST_FEATURE_BYTES)}; give a smaller --label-share than ${labelShare}.`,
    );
  }
  const encoder = Object.fromEntries(
    Object.keys(vit.parameterShapes()).map((name) => [name, start.params[name]!]),
  );
  const featuresOf = async (images: Labelled, name: string): Promise<Features> => {
    const of = probeFeatures(vit);
    const view = plainView(recipe.model, preprocessingOf(recipe));
    const { source } = images;
    const pass = await openForwardPass({ of, params: encoder, source, view, engine, workers });
    const { output, indices } = await pass.run(encoder, passProgress(name, progress.update));
    progress.stop();
    await pass.dispose();
    const labels = singleLabels(chosenLabels(images.labels, indices), "'probe'");
    return { features: output, labels };
  };
  const train = await featuresOf(dataset.train, 'training images');
  const validation = await featuresOf(dataset.validation, 'validation images');

  const linear = await trainLinear(train, validation, numClasses, options, progress);
  const nearest = await nearestTop1(train, validation, numClasses, options);
  const probes = linear.map(
    (top1, layer): LayerProbe => ({
      layer,
      nearestNeighbors: nearest[layer]!,
      linear: top1,
    }),
  );
  if (options.out !== undefined) {
    await makeFolder(options.out);
    const result = { checkpoint: startedFrom?.path ?? null, recipe: recipe.name, layers: probes };
    await writeJson(join(options.out, 'probe.json'), result);
  }
  return probes;
}

interface Features {
  /** `[images, layers, 2 * embedDim]`. */
  readonly features: HostTensor;
  readonly labels: Int32Array;
}

/** Some images' features. */
function rowsOf({ features, labels }: Features, rows: readonly number[]): Features {
  const [, ...inner] = features.shape;
  const size = inner.reduce((a, b) => a * b, 1);
  const data = new Float32Array(rows.length * size);
  for (const [i, row] of rows.entries())
    data.set((features.data as Float32Array).subarray(row * size, (row + 1) * size), i * size);
  return {
    features: { dtype: 'float32', shape: [rows.length, ...inner], data },
    labels: Int32Array.from(rows, (row) => labels[row]!),
  };
}

/** One layer of all images, `[images, 2 * embedDim]`. */
function layerOf({ data, shape }: HostTensor, layer: number): HostTensor {
  const [count, layers, size] = shape as [number, number, number];
  const own = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    const at = (i * layers + layer) * size;
    own.set((data as Float32Array).subarray(at, at + size), i * size);
  }
  return { dtype: 'float32', shape: [count, size], data: own };
}

/** Top-1 of every layer's nearest neighbours. */
async function nearestTop1(
  train: Features,
  validation: Features,
  numClasses: number,
  { engine }: Options,
): Promise<number[]> {
  const [count, layers, size] = validation.features.shape as [number, number, number];
  const batchSize = Math.min(NEIGHBOR_QUERIES, count);
  const labels: HostTensor = { dtype: 'int32', shape: [train.labels.length], data: train.labels };
  const known = (layer: number) => ({ features: layerOf(train.features, layer), labels });
  const program = await compileForward(
    (known: { features: tf.Tensor2D; labels: tf.Tensor1D }, { queries }: { queries: tf.Tensor2D }) => ({
      scores: knn(known.features, known.labels, queries, { numClasses, k: NEIGHBORS }),
    }),
    { params: known(0), inputs: { queries: { dtype: 'float32', shape: [batchSize, size] } } },
    { ...engine, precision: 'fp32' },
  );
  const top1: number[] = [];
  for (let layer = 0; layer < layers; layer++) {
    if (layer > 0) await program.writeState(known(layer));
    const all = layerOf(validation.features, layer).data as Float32Array;
    const data = new Float32Array(count * numClasses);
    for (let at = 0; at < count; at += batchSize) {
      // The last batch is full, too: some queries come twice.
      const first = Math.min(at, count - batchSize);
      const queries = all.subarray(first * size, (first + batchSize) * size);
      const { scores } = await program.run({
        queries: { dtype: 'float32', shape: [batchSize, size], data: queries },
      });
      data.set(scores.data as Float32Array, first * numClasses);
    }
    const scores: HostTensor = { dtype: 'float32', shape: [count, numClasses], data };
    top1.push(classificationMetrics(scores, validation.labels).top1);
  }
  await program.dispose();
  return top1;
}

/** Top-1 of every layer's classifier after training. */
async function trainLinear(
  train: Features,
  validation: Features,
  numClasses: number,
  { engine, recipe }: Options,
  progress: ProgressReporter,
): Promise<number[]> {
  const [count, layers, featureDim] = train.features.shape as [number, number, number];
  const linear = createLinearProbe({ layers, featureDim, numClasses });
  const optimizer = adamW(LINEAR_PROBE_ADAMW);
  const batchSize = Math.min(BATCH, count);
  const stepsPerEpoch = Math.floor(count / batchSize);
  const totalSteps = Math.max(FEWEST_STEPS, EPOCHS * stepsPerEpoch);
  const learningRate = cosineSchedule({ peak: LEARNING_RATE, final: 0, totalSteps });
  const program = await compile(
    trainStep<{ features: tf.Tensor; labels: tf.Tensor }, ReturnType<typeof linear.loss>>(
      (params, batch) => linear.loss(params, batch.features, batch.labels),
      optimizer,
    ),
    {
      state: trainState(linear.init(createRandom(recipe.seed, 'probe')), optimizer),
      inputs: {
        batch: {
          features: { dtype: 'float32', shape: [batchSize, layers, featureDim] },
          labels: { dtype: 'int32', shape: [batchSize] },
        },
        scalars: optimizer.scalarSpecs,
      },
    },
    engine,
  );
  const began = performance.now();
  let order: Int32Array = new Int32Array();
  for (let step = 0; step < totalSteps; step++) {
    const place = step % stepsPerEpoch;
    if (place === 0) order = createRandom(recipe.seed, 'probe', step / stepsPerEpoch).permutation(count);
    const batch = rowsOf(train, [...order.subarray(place * batchSize, (place + 1) * batchSize)]);
    const { loss } = await program.run({
      batch: {
        features: batch.features,
        labels: { dtype: 'int32', shape: [batchSize], data: batch.labels },
      },
      scalars: optimizer.scalars(step, learningRate(step)),
    });
    const secondsPerStep = (performance.now() - began) / 1000 / (step + 1);
    progress.update({
      name: 'linear classifiers',
      step: step + 1,
      totalSteps,
      metrics: { loss: loss.data[0]! / layers },
      imagesPerSecond: batchSize / secondsPerStep,
      secondsLeft: (totalSteps - step - 1) * secondsPerStep,
    });
  }
  progress.stop();
  const { params } = await program.readState();
  const trained = cloneTensors(params);
  await program.dispose();
  const images = validation.labels.length;
  const classifier = await compileForward(
    (params: Record<string, tf.Tensor>, { features }: { features: tf.Tensor }) =>
      Object.fromEntries(
        linear.logits(params, features).map((logits, layer): [string, tf.Tensor] => [String(layer), logits]),
      ),
    {
      params: trained,
      inputs: { features: { dtype: 'float32', shape: [images, layers, featureDim] } },
    },
    engine,
  );
  const logits = await classifier.run({ features: validation.features });
  await classifier.dispose();
  return Array.from(
    { length: layers },
    (_, layer) => classificationMetrics(logits[String(layer)]!, validation.labels).top1,
  );
}
