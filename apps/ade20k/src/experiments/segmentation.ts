/** Does pre-training help dense prediction? See `HELP`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { option, optionHelp, parseOptionTable, runMain, text, whole } from '@beit/cli';
import {
  EXPERIMENT_COLUMN,
  environment,
  experimentOptions,
  experimentTable,
  publishFindings,
  runExperiment,
} from '@beit/experiments';
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

const OPTIONS = {
  scenes: option('N', `labelled scenes to train on (default: ${FULL.training})`, whole(1)),
  steps: option(
    'N',
    `of training on them (default: ${FULL.steps}); with other numbers name another --runs too`,
    text,
  ),
  ...experimentTable('segmentation', FULL.seeds.length),
};

const HELP = `Usage: pnpm experiment:segmentation [options]

Does pre-training help dense prediction, and intermediate fine-tuning further? Trains one small network with a SETR-PUP
head on scenes of the embedded emoji: from scratch, pre-trained as BEiT, and pre-trained and fine-tuned to classify; same
budget, several seeds. Writes segmentation.json, segmentation.md and its figure. What is done is kept; the same command
continues.

${optionHelp(OPTIONS, EXPERIMENT_COLUMN)}`;

async function main(): Promise<number> {
  const parsed = parseOptionTable(OPTIONS, process.argv.slice(2));
  if (parsed === 'help') {
    console.log(HELP);
    return 0;
  }
  const { values } = parsed;
  const base = values.reduced ? REDUCED : FULL;
  const options = await experimentOptions('segmentation', values, base.seeds.length);
  const { runs, seeds, engine } = options;
  const steps = values.steps === undefined ? base.steps : whole(base.evaluations)(values.steps, 'steps');
  const training = values.scenes ?? base.training;
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
