/** The paper's claims on photographs. See `HELP`. */
import { readFile } from 'node:fs/promises';
import { dataLocation, option, optionHelp, parseOptionTable, runMain, UsageError } from '@beit/cli';
import {
  EXPERIMENT_COLUMN,
  experimentOptions,
  experimentTable,
  publishFindings,
  resultsOf,
  runRecorded,
} from '@beit/experiments';
import { readMetrics } from '@beit/trainer';
import { type Cifar10Job, type Cifar10Settings, cifar10Plan } from './cifar10Plan';
import { type Cifar10Result, cifar10Figure, cifar10Page, cifar10Summary } from './cifar10Report';

const FULL: Cifar10Settings = {
  seeds: [0, 1, 2],
  tokenizerEpochs: 4,
  pretrainingEpochs: 50,
  otherPretrainingEpochs: [25, 100, 200],
  maskRatios: [0.2, 0.6, 0.75],
  finetuningEpochs: 20,
  longer: 4,
  fewer: 0.2,
  labelShares: [0.2, 0.1, 0.05, 0.01],
  learningRate: { pretrained: 2e-3, scratch: 1e-3 },
};

/** Every part of it, too short to show anything. */
const REDUCED: Cifar10Settings = {
  ...FULL,
  seeds: [0],
  tokenizerEpochs: 0.01,
  pretrainingEpochs: 0.02,
  otherPretrainingEpochs: [0.01],
  maskRatios: [0.75],
  finetuningEpochs: 0.05,
  labelShares: [0.2],
};

const OPTIONS = {
  data: option(
    'DIR',
    "CIFAR-10: a folder with train and test, as 'pnpm --filter shards start -- cifar' makes it",
    dataLocation,
  ),
  ...experimentTable('cifar10', FULL.seeds.length),
};

const HELP = `Usage: pnpm experiment:cifar10 --data DIR [options]

Does pre-training pay on photographs? One small network on CIFAR-10, pre-trained as BEiT, with random masks, with pixels
for targets, longer, with other shares masked, and not at all; same pictures, augmentation and budget. All is chosen on a
tenth of the training pictures, and told of the 10,000 for testing. Writes cifar10.json, cifar10.md and its figure, of what
is done so far; what is in cifar10.json is not done again.

${optionHelp(OPTIONS, EXPERIMENT_COLUMN)}`;

async function main(): Promise<number> {
  const parsed = parseOptionTable(OPTIONS, process.argv.slice(2));
  if (parsed === 'help') {
    console.log(HELP);
    return 0;
  }
  const { data, ...values } = parsed.values;
  if (data === undefined) throw new UsageError('--data is missing; expected the folder of CIFAR-10.');
  const base = values.reduced ? REDUCED : FULL;
  const options = await experimentOptions('cifar10', values, base.seeds.length);
  const settings = { ...base, seeds: options.seeds };
  const jobs = cifar10Plan(options.runs, data, settings, options.engine);
  const { ledger, isWhole } = await runRecorded(jobs, {
    ...options,
    name: 'cifar10',
    elsewhere: { [data]: 'CIFAR10' },
    resultOf,
  });
  const of = { settings, plan: jobs, jobs: ledger };
  const result = { summary: cifar10Summary(of), settings, jobs: ledger };
  await publishFindings('cifar10', options, {
    result,
    figure: cifar10Figure(of),
    page: cifar10Page(of),
  });
  return isWhole ? 0 : 130;
}

async function resultOf(job: Cifar10Job): Promise<Cifar10Result> {
  const results = JSON.parse(await readFile(resultsOf(job), 'utf8'));
  if (job.kind === 'probe') return { layers: results.layers };
  if (job.kind === 'test') return { top1: results.top1, loss: results.loss };
  if (job.kind === 'pretraining') return results;
  const evaluations = (await readMetrics(job.folder)).filter(({ kind }) => kind === 'evaluation');
  return { top1: evaluations.map(({ top1 }) => Number(top1)), seconds: results.seconds };
}

await runMain(main);
