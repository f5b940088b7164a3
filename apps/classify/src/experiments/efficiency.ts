/** Does pre-training pay? See `HELP`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { optionHelp, parseOptionTable, runMain } from '@beit/cli';
import {
  EXPERIMENT_COLUMN,
  environment,
  experimentOptions,
  experimentTable,
  type Job,
  publishFindings,
  runExperiment,
} from '@beit/experiments';
import { readMetrics } from '@beit/trainer';
import { type EfficiencySettings, efficiencyPlan, type FinetuningJob } from './efficiencyPlan';
import { efficiencyFigure, efficiencyPage } from './efficiencyReport';
import { type Curve, efficiencySummary } from './efficiencySummary';

const FULL: EfficiencySettings = {
  seeds: [0, 1, 2],
  pretrainings: 1,
  heldOutShare: 0.25,
  imagesPerClass: [15, 60],
  tokenizerEpochs: 8,
  pretrainingEpochs: 64,
  finetuningEpochs: 20,
  learningRate: { pretrained: 2e-3, scratch: 2e-3 },
  layerDecay: 0.65,
  labelShares: [1, 0.5, 0.25, 0.1],
};

/** Every part of it, too short to show anything. */
const REDUCED: EfficiencySettings = {
  ...FULL,
  seeds: [0],
  heldOutShare: 0.1,
  imagesPerClass: [60, 60],
  tokenizerEpochs: 0.02,
  pretrainingEpochs: 0.03,
  finetuningEpochs: 1,
  labelShares: [1, 0.5],
};

const OPTIONS = experimentTable('efficiency', FULL.seeds.length);

const HELP = `Usage: pnpm experiment:efficiency [options]

Does pre-training pay? Fine-tunes one small network on subgroups of the embedded emoji: pre-trained as BEiT (blockwise
masks, visual tokens), with random masks, with pixels for targets, and not at all; same images, augmentation and budget,
several seeds. Writes efficiency.json, efficiency.md and its figures. What is done is kept; the same command continues.

${optionHelp(OPTIONS, EXPERIMENT_COLUMN)}`;

async function main(): Promise<number> {
  const parsed = parseOptionTable(OPTIONS, process.argv.slice(2));
  if (parsed === 'help') {
    console.log(HELP);
    return 0;
  }
  const { values } = parsed;
  const base = values.reduced ? REDUCED : FULL;
  const options = await experimentOptions('efficiency', values, base.seeds.length);
  const { runs, seeds, engine } = options;
  const settings = { ...base, seeds };
  const plan = efficiencyPlan(runs, settings, engine);
  if (!(await runExperiment([...plan.pretraining, ...plan.finetuning], options))) return 130;

  const curves = await Promise.all(plan.finetuning.map(curveOf));
  const { images, classes } = await sizes(plan.finetuning[0]!);
  const result = {
    summary: efficiencySummary(curves, settings.finetuningEpochs),
    settings,
    images,
    classes,
    environment: environment(options),
    curves,
  };
  await publishFindings('efficiency', options, {
    result,
    figure: efficiencyFigure(result),
    page: efficiencyPage(result),
  });
  return 0;
}

async function curveOf({ folder, start, seed, share, epochs }: FinetuningJob): Promise<Curve> {
  const evaluations = (await readMetrics(folder)).filter(({ kind }) => kind === 'evaluation');
  const of = (metric: string) => evaluations.map((evaluation) => Number(evaluation[metric]));
  return { start, seed, share, epochs, top1: of('top1'), top5: of('top5'), loss: of('loss') };
}

async function sizes({
  folder,
}: Job): Promise<{ images: { train: number; validation: number }; classes: number }> {
  const results = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8'));
  return { images: results.images, classes: Object.keys(results.perClass).length };
}

await runMain(main);
