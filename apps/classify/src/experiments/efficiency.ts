/** Does pre-training pay? See `HELP`. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { integer, ownArguments, parsed, RUNS, runMain, typedIn } from '@beit/apps-shared';
import { formatSeconds } from '@beit/apps-shared/report';
import { availableEngines, hasNativeBfloat16 } from '@beit/compile';
import { interruptSignal, readMetrics } from '@beit/trainer';
import { type EfficiencySettings, efficiencyPlan, type FinetuningJob, type Job } from './efficiencyPlan';
import { efficiencyFigure, efficiencyPage } from './efficiencyReport';
import { type Curve, efficiencySummary } from './efficiencySummary';
import { runJobs } from './runJobs';

const FULL: EfficiencySettings = {
  seeds: [0, 1, 2],
  pretrainings: 1,
  heldOutShare: 0.25,
  imagesPerClass: [15, 60],
  tokenizerEpochs: 8,
  pretrainingEpochs: 64,
  finetuningEpochs: 20,
  learningRate: { pretrained: 1e-3, scratch: 1e-3 },
  layerDecay: 0.75,
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

const HELP = `Usage: pnpm experiment:efficiency [options]

Does pre-training pay? Fine-tunes one small network on subgroups of the embedded emoji: pre-trained as BEiT (blockwise
masks, visual tokens), with random masks, with pixels for targets, and not at all; same images, augmentation and budget,
several seeds. Writes efficiency.json, efficiency.md and its figures. What is done is kept; the same command continues.

  --reduced      a short form that shows nothing but that it runs
  --seeds N      default: ${FULL.seeds.length}
  --parallel N   runs side by side, each with one thread (default: the number of processors)
  --runs DIR     where the runs are kept (default: runs/efficiency, or runs/efficiency-reduced)
  --out DIR      where the results go (default: docs/results; of the reduced form, the folder of its runs)`;

async function main(): Promise<number> {
  const { values } = parsed(() =>
    parseArgs({
      args: ownArguments(process.argv.slice(2)),
      options: {
        reduced: { type: 'boolean', default: false },
        seeds: { type: 'string' },
        parallel: { type: 'string', default: String(cpus().length) },
        runs: { type: 'string' },
        out: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }),
  );
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const base = values.reduced ? REDUCED : FULL;
  const seeds = values.seeds === undefined ? base.seeds.length : integer(values.seeds, 'seeds', 1);
  const settings = { ...base, seeds: Array.from({ length: seeds }, (_, seed) => seed) };
  const parallel = integer(values.parallel, 'parallel', 1);
  const path = (value: string | undefined, otherwise: string) =>
    value === undefined ? otherwise : resolve(typedIn(), value);
  const runs = path(values.runs, join(RUNS, values.reduced ? 'efficiency-reduced' : 'efficiency'));
  const out = path(values.out, values.reduced ? runs : join(RUNS, '../docs/results'));

  const [fastest] = await availableEngines();
  const engine = [
    ...['--engine', fastest!, '--threads', '1'],
    ...((await hasNativeBfloat16()) ? ['--precision', 'bf16'] : []),
  ];
  const plan = efficiencyPlan(runs, settings, engine);
  const jobs: readonly Job[] = [...plan.pretraining, ...plan.finetuning];
  const interrupt = interruptSignal();
  const began = performance.now();
  let done = 0;
  console.error(`${jobs.length} runs in ${runs}, ${parallel} side by side, with ${engine.join(' ')}`);
  await runJobs(jobs, {
    parallel,
    signal: interrupt.signal,
    onDone({ folder }, seconds) {
      done += 1;
      const spent = formatSeconds((performance.now() - began) / 1000);
      console.error(`${folder.slice(runs.length + 1)}: ${formatSeconds(seconds)}. ${done} done in ${spent}`);
    },
  });
  if (interrupt.signal.aborted) {
    console.error(`Stopped; what is done is kept in ${runs}. The same command continues.`);
    return 130;
  }
  interrupt.release();

  const curves = await Promise.all(plan.finetuning.map(curveOf));
  const { images, classes } = await sizes(plan.finetuning[0]!);
  const [processor] = cpus();
  const result = {
    summary: efficiencySummary(curves),
    settings,
    images,
    classes,
    environment: `${cpus().length} cores of ${processor?.model ?? 'an unknown processor'}, Node ${process.versions.node}, ${engine.join(' ')}`,
    curves,
  };
  await mkdir(out, { recursive: true });
  await writeFile(join(out, 'efficiency.json'), `${JSON.stringify(result, null, 1)}\n`);
  await writeFile(join(out, 'efficiency.svg'), efficiencyFigure(result));
  await writeFile(join(out, 'efficiency.md'), efficiencyPage(result));
  console.log(JSON.stringify(result.summary, null, 2));
  console.log(`Written to ${out}`);
  return 0;
}

async function curveOf({ folder, start, seed, share, epochs }: FinetuningJob): Promise<Curve> {
  const evaluations = (await readMetrics(folder)).filter(({ kind }) => kind === 'evaluation');
  return { start, seed, share, epochs, top1: evaluations.map(({ top1 }) => Number(top1)) };
}

async function sizes({
  folder,
}: Job): Promise<{ images: { train: number; validation: number }; classes: number }> {
  const results = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8'));
  return { images: results.images, classes: Object.keys(results.perClass).length };
}

await runMain(main);
