/** Plans past the machine. See `HELP` of `options.ts`. */
import { availableParallelism } from 'node:os';
import { runMain, UsageError } from '@beit/cli';
import { publishFindings } from '@beit/experiments';
import { describeMachine, findLauncher, median } from '@beit/measurements';
import { shareOf } from '@beit/stage';
import * as tf from '@tensorflow/tfjs';
import { countImages } from '../countImages';
import { type Measured, measureAll } from './measure/measureAll';
import { countRecipe, type RecipeCounts } from './model/countRecipe';
import { hardwareWork } from './model/hardware';
import { memoryOf } from './model/memory';
import { paperPlan } from './model/paper';
import {
  type Known,
  neededWork,
  type Placement,
  planOf,
  predict,
  type Task,
  taskOf,
  workKey,
} from './model/plan';
import { HELP, parseOptions, type ScalingOptions } from './options';
import { scalingFigure } from './page/figure';
import { reportText, scalingPage } from './page/page';
import type { Row, ScalingReport } from './page/report';

const WARM_UP = 3;
const WITHOUT_LAUNCHER =
  'say what the network has, so that nothing needs to be started: --bandwidth 100Gb/s --latency 20us';
const say = (text: string) => console.error(text);

async function main(): Promise<number> {
  const options = await parseOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(HELP);
    return 0;
  }
  tf.enableProdMode();
  assertShares(options);
  say('Counting what the recipe takes');
  const counts = await countRecipe(options.recipe);
  const images = await countImages(options.recipe, options.data);
  const task = taskOf(options.recipe.mim, images, counts.parameters);
  const placements = options.ranks.map(
    (ranks): Placement => ({
      ranks,
      ranksPerMachine: options.ranksPerMachine,
      ...(!options.rate && { processors: availableParallelism() }),
    }),
  );
  const measured = await measure(options, task, placements);
  const imagesPerSecond = assumedRate(options, counts, task);
  const rows = rowsOf(options, task, placements, measured, counts, imagesPerSecond);
  if (options.write) say("Counting the paper's run");
  const report: ScalingReport = {
    command: options.command,
    machine: describeMachine(),
    recipe: options.recipe.name,
    engine: [...measured.work.values()][0]?.engine,
    task,
    images,
    parameters: counts.parameters,
    trainFlops: counts.trainFlops,
    tokenizeFlops: counts.tokenizeFlops,
    imagesPerSecond,
    rows,
    networks: [...measured.networks.values()],
    ...(options.write && { paper: await paperPlan() }),
  };
  console.log(options.json ? JSON.stringify(report, null, 1) : reportText(report));
  if (options.write) await write(report, options);
  return 0;
}

/** A mistake in the numbers is told before anything is measured. */
function assertShares({ recipe, ranks }: ScalingOptions): void {
  const { batchSize, microBatchSize } = recipe.mim;
  for (const size of ranks) {
    try {
      shareOf(batchSize, microBatchSize, size);
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
  }
}

async function measure(
  options: ScalingOptions,
  task: Task,
  placements: readonly Placement[],
): Promise<Measured> {
  const { recipe, data, engine, workers, steps, rounds, network, rate, check } = options;
  const networks = network ? [] : options.ranks.filter((ranks) => ranks > 1);
  const jobs = check
    ? placements.map((placement) => ({
        ranks: placement.ranks,
        threads: planOf(task, placement).work.threads,
      }))
    : [];
  const wanted = {
    task: { recipe, data, engine, workers, warmUp: WARM_UP, steps },
    work: rate ? [] : neededWork(task, placements),
    networks,
    jobs,
    ...(networks.length + jobs.length > 0 && { launcher: findLauncher(options.launcher, WITHOUT_LAUNCHER) }),
    rounds,
  };
  return measureAll(wanted, say);
}

/** Images a second of one rank, where they are not measured. */
function assumedRate(
  { rate }: ScalingOptions,
  { trainFlops, tokenizeFlops }: RecipeCounts,
  { batchSize }: Task,
): number | undefined {
  if (!rate) return undefined;
  const { kind, value } = rate;
  if (kind === 'imagesPerSecond') return value;
  return kind === 'stepTime' ? batchSize / value : (value * 1e12) / (trainFlops + tokenizeFlops);
}

function rowsOf(
  { network, copyBandwidth, devices }: ScalingOptions,
  task: Task,
  placements: readonly Placement[],
  measured: Measured,
  { parameters, activationBytes }: RecipeCounts,
  imagesPerSecond: number | undefined,
): Row[] {
  const known: Known = {
    work: (plan) =>
      imagesPerSecond === undefined
        ? measured.work.get(workKey(plan))!
        : hardwareWork(
            { imagesPerSecond, copyBandwidth, ...(devices && { devices }) },
            plan.microBatchSize,
            plan.together || plan.parts > 1,
            task,
          ),
    network: (ranks) => network ?? measured.networks.get(ranks)!,
  };
  const activations = new Map<number, number>();
  return placements.map((placement): Row => {
    const prediction = predict(task, placement, known);
    const { ranks, work, seconds } = prediction;
    const { microBatchSize } = work;
    const atOnce = Math.ceil(microBatchSize / (devices?.count ?? 1));
    if (!activations.has(atOnce)) activations.set(atOnce, activationBytes(atOnce));
    const job = measured.jobs.get(ranks);
    const step = job && median(job.steps);
    return {
      prediction,
      ...(ranks > 1 && { network: known.network(ranks) }),
      memory: memoryOf(
        parameters,
        activations.get(atOnce)!,
        work.together || work.parts > 1,
        devices !== undefined,
      ),
      workBytes: measured.work.get(workKey(work))?.peakBytes,
      ...(job && step && { measured: { ...job, step, error: seconds.step / step - 1 } }),
    };
  });
}

async function write(report: ScalingReport, { out }: ScalingOptions): Promise<void> {
  const { rows } = report;
  const summary = {
    stepSeconds: rows.map(({ prediction: { ranks, seconds }, measured }) => ({
      ranks,
      predicted: seconds.step,
      measured: measured?.step,
      error: measured?.error,
    })),
    paperDays: report.paper?.rows.map(({ shareOfPeak, bandwidth, prediction }) => ({
      shareOfPeak,
      bandwidth,
      predicted: prediction.totalSeconds / 86_400,
    })),
  };
  await publishFindings(
    'scaling',
    { out },
    { result: { ...report, summary }, figure: scalingFigure(report), page: scalingPage(report) },
  );
}

await runMain(main);
