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
import { ADE20K_CLASSES } from '@beit/segmentation';
import { stepsPerEpochOf } from '@beit/stage';
import { type HostTensor, type TreeOf, zeros } from '@beit/tensors';
import type { ProgressReporter } from '@beit/trainer';
import { loadDataset } from './dataset';
import { type SegmentBatch, segmentLoss } from './finetune';
import type { Options } from './options';
import { beginWith } from './prepareTask';

const ADE20K = { images: 20_210, classes: ADE20K_CLASSES.length, note: ' (of ADE20K; --data was not given)' };

/**
 * Prints what a run would do: sizes, steps, learning rates, memory, and an estimate of its time from a few timed steps.
 *
 * @throws what the run would throw of its engine, images and checkpoint
 */
export async function dryRun(
  { recipe: wanted, data, checkpoint, heads, scratch, ...how }: Options,
  progress: Pick<ProgressReporter, 'message' | 'update'>,
): Promise<void> {
  await describeEngine(how.engine);
  const set = await sizeOf(wanted, data, progress);
  const pretrained = await pretrainedOf({ checkpoint, heads, scratch, name: wanted.name }, progress);
  const { recipe, model, start } = beginWith(wanted, set.classes, pretrained);
  const { params } = start;
  stepsPerEpochOf(set.images, recipe.batchSize);
  console.log(JSON.stringify(recipe, null, 2));
  console.log(`\n${set.images} images to train on, ${set.classes} classes${set.note}`);

  const parameters = countParameters(params);
  const { batchSize, microBatchSize, steps, learningRate, layerDecay } = recipe;
  const { imageSize, inChannels, depth } = model.vit.config;
  console.log(`\nparameters        ${millions(parameters)}`);
  console.log(
    `steps             ${steps} of ${batchSize} crops (${((steps * batchSize) / set.images).toFixed(1)} epochs), micro-batches of ${microBatchSize}`,
  );
  console.log(
    `learning rate     ${learningRate} on a line to 0, after ${recipe.warmupSteps} steps of warm-up; layers:`,
  );
  printLayerRates(layerRates({ learningRate, layerDecay, depth }, params));

  const images = zeros([microBatchSize, ...imageSize, inChannels]);
  const labels = zeros([microBatchSize, ...imageSize], 'int32');
  const example: TreeOf<SegmentBatch, HostTensor> = {
    images,
    labels,
    ...dropPathKeeps(model.vit, microBatchSize, createRandom(0)),
  };
  const timed = await timeMicroBatch(segmentLoss(model, recipe), params, example, how);
  const peak = process.resourceUsage().maxRSS * 1024;
  const stepSeconds = (timed.seconds * batchSize) / microBatchSize;
  console.log(`\n${memoryLines(parameters * 4 * 3, timed).join('\n')}`);
  console.log(`memory            ${gibibytes(peak)} at most with micro-batches of ${microBatchSize}`);
  console.log(
    `measured here     ${timed.seconds.toFixed(2)} s for ${microBatchSize} crops with ${timed.engine}, so ${stepSeconds.toFixed(2)} s a step`,
  );
  console.log(`estimated time    ${duration(stepSeconds * steps)}, without evaluation`);
}

async function sizeOf(
  recipe: Options['recipe'],
  data: string | undefined,
  progress: Pick<ProgressReporter, 'message' | 'update'>,
): Promise<{ images: number; classes: number; note: string }> {
  if (recipe.data.kind === 'folder' && data === undefined) return ADE20K;
  const { training, classes } = await loadDataset(recipe, data, progress);
  return { images: training.images.names.length, classes: classes.length, note: '' };
}
