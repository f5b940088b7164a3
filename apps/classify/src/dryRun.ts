import { type FinetuneBatch, finetuneLoss } from '@beit/classification';
import {
  describeEngine,
  dropPathKeeps,
  duration,
  gibibytes,
  layerRates,
  memoryLines,
  millions,
  pretrainedOf,
  printLayerRates,
  timeMicroBatch,
} from '@beit/cli';
import { createRandom } from '@beit/random';
import { countParameters } from '@beit/report';
import { stepsPerEpochOf } from '@beit/stage';
import { type HostTensor, type TreeOf, zeros } from '@beit/tensors';
import type { ProgressReporter } from '@beit/trainer';
import { describeDataset, loadDataset } from './dataset';
import { targetsOf } from './labels';
import type { Options } from './options';
import { beginWith } from './prepareTask';

const IMAGENET = { train: 1_281_167, classes: 1000 };
const IMAGENET_22K = { train: 14_197_122, classes: 21_841 };

/**
 * Prints what a run would do: sizes, steps, learning rates, memory, and an estimate of its time from a few timed steps.
 *
 * @throws what the run would throw of its engine, images and checkpoint
 */
export async function dryRun(options: Options, progress: Pick<ProgressReporter, 'message'>): Promise<void> {
  const { checkpoint, heads, scratch, engine } = options;
  await describeEngine(engine);
  const set = await sizeOf(options);
  const { multiLabel, classes: numClasses } = set;
  const pretrained = await pretrainedOf({ checkpoint, heads, scratch, name: options.recipe.name }, progress);
  const { recipe, model: built, start } = beginWith(options.recipe, numClasses, pretrained, multiLabel);
  const { vit, classifier } = built;
  const { params } = start;
  const stepsPerEpoch = stepsPerEpochOf(set.train, recipe.batchSize);
  console.log(JSON.stringify(recipe, null, 2));
  console.log(`\n${set.about}`);

  const parameters = countParameters(params);
  const { batchSize, microBatchSize, epochs } = recipe;
  const steps = Math.round(epochs * stepsPerEpoch);
  const state = parameters * 4 * (recipe.emaDecay === undefined ? 3 : 4);
  console.log(`\nparameters        ${millions(parameters)}`);
  console.log(
    `steps             ${steps} of ${batchSize} images (${epochs} epochs), micro-batches of ${microBatchSize}`,
  );
  console.log(
    `learning rate     ${recipe.learningRate} after ${recipe.warmupEpochs} epochs of warm-up, cosine to ${recipe.minLearningRate}; layers:`,
  );
  const { learningRate, layerDecay, model } = recipe;
  printLayerRates(layerRates({ learningRate, layerDecay, depth: model.depth }, params));

  const { imageSize, inChannels } = vit.config;
  const images = zeros([microBatchSize, ...imageSize, inChannels]);
  (images.data as Float32Array).fill(0.1);
  const example: TreeOf<FinetuneBatch, HostTensor> = {
    images,
    targets: targetsOf(multiLabel ? new Array<[]>(microBatchSize).fill([]) : new Int32Array(microBatchSize), {
      numClasses,
    }),
    ...dropPathKeeps(vit, microBatchSize, createRandom(0)),
  };
  const before = process.memoryUsage().rss;
  const timed = await timeMicroBatch(finetuneLoss(classifier), params, example, options);
  const peak = process.resourceUsage().maxRSS * 1024;
  const stepSeconds = (timed.seconds * batchSize) / microBatchSize;
  console.log(`\n${memoryLines(state, timed).join('\n')}`);
  console.log(
    `memory            ${gibibytes(peak)} at most with micro-batches of ${microBatchSize}: ${gibibytes(Math.max(0, peak - before - 2 * state) / microBatchSize)} an image beyond state and program`,
  );
  console.log(
    `measured here     ${timed.seconds.toFixed(2)} s for ${microBatchSize} images with ${timed.engine}, so ${stepSeconds.toFixed(2)} s a step`,
  );
  console.log(`estimated time    ${duration(stepSeconds * steps)}`);
}

interface SetSize {
  readonly train: number;
  readonly classes: number;
  readonly multiLabel: boolean;
  /** For people. */
  readonly about: string;
}

async function sizeOf({ recipe, data, labelsFrom, classNames }: Options): Promise<SetSize> {
  if (recipe.data.kind === 'emoji' || data !== undefined) {
    const dataset = await loadDataset(recipe, data, labelsFrom, classNames);
    const { classes, multiLabel, train, notes } = dataset;
    const about = [describeDataset(dataset), ...notes].join('\n');
    return { train: train.labels.length, classes: classes.length, multiLabel, about };
  }
  const [set, name] = recipe.name.includes('imagenet22k-finetune')
    ? [IMAGENET_22K, 'ImageNet-22k']
    : [IMAGENET, 'ImageNet-1k'];
  const { train, classes } = set;
  const about = `${train} images of ${classes} classes (of ${name}; --data was not given)`;
  return { ...set, multiLabel: false, about };
}
