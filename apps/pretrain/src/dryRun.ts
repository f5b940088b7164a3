import {
  describeEngine,
  duration,
  memoryLines,
  millions,
  type TimedProgram,
  timeMicroBatch,
} from '@beit/cli';
import { createDvae, type DvaeBatch, dvaeLoss } from '@beit/dvae';
import { createRandom } from '@beit/random';
import { countParameters } from '@beit/report';
import { stepsPerEpochOf } from '@beit/stage';
import { imageSides, type NamedTensors, scalar } from '@beit/tensors';
import { blankBatch, full, mostMasked } from './blankBatch';
import { countImages } from './countImages';
import { loadTokenizer } from './loadTokenizer';
import type { RunOptions } from './options';
import { pixelObjective } from './targets/pixelObjective';
import { tokenObjective } from './targets/tokenObjective';

/**
 * Prints what a run would do: sizes, steps, learning rates, memory, and an estimate of its time from a few timed steps.
 *
 * @throws what the run would throw of its engine, images and tokenizer
 */
export async function dryRun(options: RunOptions): Promise<void> {
  const { recipe } = options;
  const { tokenizer, mim: settings, views } = recipe;
  const pixels = settings.target === 'pixels';
  await describeEngine(options.engine);
  const images = await countImages(recipe, options.data);
  for (const { batchSize } of [settings, ...(pixels || options.tokenizer !== undefined ? [] : [tokenizer])])
    stepsPerEpochOf(images, batchSize);
  if (!pixels && options.tokenizer !== undefined) await loadTokenizer(options.tokenizer, tokenizer.model);
  console.log(JSON.stringify(recipe, null, 2));
  console.log(
    `\n${images} images${options.data === undefined && recipe.data.kind === 'folder' ? ' (of ImageNet-1k; --data was not given)' : ''}`,
  );

  const report = (
    title: string,
    params: NamedTensors,
    batchSize: number,
    epochs: number,
    rate: string,
    microBatch: number,
  ) => {
    const steps = epochs * Math.floor(images / batchSize);
    console.log(`\n${title}`);
    console.log(`  parameters        ${millions(countParameters(params))}`);
    console.log(
      `  steps             ${steps} of ${batchSize} images (${epochs} epochs), micro-batches of ${microBatch}`,
    );
    console.log(`  learning rate     ${rate}`);
    return steps;
  };
  const timing = (
    steps: number,
    params: NamedTensors,
    batchSize: number,
    microBatch: number,
    timed: TimedProgram,
  ) => {
    // Parameters and two moments.
    for (const line of memoryLines(countParameters(params) * 4 * 3, timed)) console.log(`  ${line}`);
    const stepSeconds = (timed.seconds * batchSize) / microBatch;
    console.log(
      `  measured here     ${timed.seconds.toFixed(2)} s for ${microBatch} images with ${timed.engine}, so ${stepSeconds.toFixed(2)} s a step`,
    );
    console.log(`  estimated time    ${duration(stepSeconds * steps)}`);
  };

  const dvae = createDvae(tokenizer.model);
  const objective = pixels ? pixelObjective(recipe) : tokenObjective(recipe, {});
  if (!pixels && options.tokenizer === undefined) {
    const params = dvae.init(createRandom(0));
    const steps = report(
      'Stage 1: tokenizer',
      params,
      tokenizer.batchSize,
      tokenizer.epochs,
      `${tokenizer.learningRate[0]} to ${tokenizer.learningRate[1]}, cosine`,
      tokenizer.microBatchSize,
    );
    const example = {
      images: full([tokenizer.microBatchSize, ...imageSides(views.tokenImageSize), 3], 0.5),
      uniform: full(
        [tokenizer.microBatchSize, ...dvae.gridSize(views.tokenImageSize), tokenizer.model.vocabSize],
        0.5,
      ),
      temperature: scalar(1),
      klWeight: scalar(1),
      usageWeight: scalar(0),
    };
    timing(
      steps,
      params,
      tokenizer.batchSize,
      tokenizer.microBatchSize,
      await timeMicroBatch(
        (p, b) => ({ ...dvaeLoss(dvae, p, b as unknown as DvaeBatch) }),
        params,
        example,
        options,
      ),
    );
  }

  const { vit } = objective;
  const params = objective.init(createRandom(0));
  const batch = settings.microBatchSize;
  const patches = vit.gridSize[0] * vit.gridSize[1];
  const maxMasked = await mostMasked(recipe);
  const steps = report(
    objective.title,
    params,
    settings.batchSize,
    settings.epochs,
    `${settings.learningRate} after ${settings.warmupEpochs} epochs of warm-up, cosine to ${settings.minLearningRate}`,
    batch,
  );
  console.log(`  masked patches    at most ${maxMasked} of ${patches}`);
  const example = blankBatch(objective, batch, maxMasked);
  const timed = await timeMicroBatch(objective.loss, params, example, options);
  timing(steps, params, settings.batchSize, batch, timed);
  if (!pixels) console.log('  The time for tokenizing each batch with the frozen encoder comes on top.');
}
