/** Does pre-training help dense prediction? See `HELP`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { integer, ownArguments, parsed, runMain } from '@beit/apps-shared';
import {
  EXPERIMENT_ARGUMENTS,
  EXPERIMENT_HELP,
  environment,
  experimentOptions,
  publishFindings,
  runExperiment,
} from '@beit/apps-shared/experiments';
import { readMetrics } from '@beit/trainer';
import { type SegmentationJob, type SegmentationSettings, segmentationPlan } from './segmentationPlan';
import { type Curve, segmentationFigure, segmentationPage, segmentationSummary } from './segmentationResult';

const FULL: SegmentationSettings = {
  seeds: [0, 1, 2, 3, 4, 5, 6],
  heldOutShare: 0.25,
  tokenizerEpochs: 8,
  pretrainingEpochs: 64,
  intermediateEpochs: 40,
  imagesPerClass: [5, 200],
  training: 120,
  validation: 200,
  steps: 600,
  evaluations: 4,
};

/** Every part of it, too short to show anything. */
const REDUCED: SegmentationSettings = {
  ...FULL,
  seeds: [0],
  heldOutShare: 0.1,
  imagesPerClass: [60, 60],
  tokenizerEpochs: 0.02,
  pretrainingEpochs: 0.03,
  intermediateEpochs: 0.1,
  training: 16,
  validation: 4,
  steps: 4,
  evaluations: 2,
};

const HELP = `Usage: pnpm experiment:segmentation [options]

Does pre-training help dense prediction, and intermediate fine-tuning further? Trains one small network with a SETR-PUP
head on scenes of the embedded emoji: from scratch, pre-trained as BEiT, and pre-trained and fine-tuned to classify; same
budget, several seeds. Writes segmentation.json, segmentation.md and its figure. What is done is kept; the same command
continues.

  --scenes N     labelled scenes to train on (default: ${FULL.training})
  --steps N      of training on them (default: ${FULL.steps}); with other numbers name another --runs too
${EXPERIMENT_HELP('segmentation', FULL.seeds.length)}`;

async function main(): Promise<number> {
  const { values } = parsed(() =>
    parseArgs({
      args: ownArguments(process.argv.slice(2)),
      options: { ...EXPERIMENT_ARGUMENTS, steps: { type: 'string' }, scenes: { type: 'string' } },
    }),
  );
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const base = values.reduced ? REDUCED : FULL;
  const options = await experimentOptions('segmentation', values, base.seeds.length);
  const { runs, seeds, engine } = options;
  const steps = values.steps === undefined ? base.steps : integer(values.steps, 'steps', base.evaluations);
  const training = values.scenes === undefined ? base.training : integer(values.scenes, 'scenes', 1);
  const settings = { ...base, seeds, steps, training };
  const plan = segmentationPlan(runs, settings, engine);
  if (!(await runExperiment([...plan.pretraining, ...plan.training], options))) return 130;

  const curves = await Promise.all(plan.training.map(curveOf));
  const summary = segmentationSummary(curves);
  const result = { summary, settings, environment: environment(options), curves };
  await publishFindings('segmentation', options, {
    result,
    figure: segmentationFigure(result),
    page: segmentationPage(result),
  });
  return 0;
}

async function curveOf({ folder, start, seed }: SegmentationJob): Promise<Curve> {
  const evaluations = (await readMetrics(folder)).filter(({ kind }) => kind === 'evaluation');
  const { iou } = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8'));
  const points = evaluations.map(({ step, mIoU }) => ({ step, mIoU: Number(mIoU) }));
  return { start, seed, points, iou };
}

await runMain(main);
