/** Does bf16 train as well as fp32? See `HELP`. */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { flag, option, optionHelp, parseOptionTable, path, RUNS, whole } from '@beit/cli';
import type { Precision } from '@beit/compile';
import { EXPERIMENT_COLUMN } from '@beit/experiments';
import type { StageResult } from '@beit/stage';
import type { NamedTensors } from '@beit/tensors';
import { makeFolder } from '@beit/tensors';
import { interruptSignal, readMetrics, terminalProgress } from '@beit/trainer';
import * as tf from '@tensorflow/tfjs';
import { loadImages } from '../images';
import { mimStage } from '../mimStage';
import type { PretrainRecipe } from '../recipe';
import { RECIPES } from '../recipes';
import { tokenObjective } from '../targets/tokenObjective';
import { type PretrainStageOptions, tokenizerStage } from '../tokenizerStage';
import {
  type Curve,
  precisionFigure,
  precisionPage,
  type StageCurves,
  summaryOfStage,
} from './precisionReport';

const STEPS = 500;
const WINDOW = 50;
const OPTIONS = {
  steps: option('N', 'of each training', whole(4), STEPS),
  'both-stages': flag('compare stage 1 too'),
  'second-seed': flag('stage 2 in fp32 with another seed as well: how far apart seeds are'),
  runs: option('DIR', 'where trainings are kept (default: runs/precision-<steps>)', path),
  out: option(
    'DIR',
    `where the results go (default: docs/results, with other than ${STEPS} steps the folder of the trainings)`,
    path,
  ),
};

const HELP = `Usage: pnpm experiment:precision [--steps N] [--runs DIR] [--out DIR]

Trains stage 2 of the default recipe for the same steps in fp32 and in bf16 on OpenVINO, with the same seed and so
the same batches, and compares the losses. Stage 2 uses the tokenizer of the fp32
stage 1. Writes precision.json, precision.svg and precision.md. An interrupted run continues where it was.

${optionHelp(OPTIONS, EXPERIMENT_COLUMN)}`;

/** The recipe with schedules that end after `steps` steps. */
function shortened(recipe: PretrainRecipe, steps: number, images: number): PretrainRecipe {
  const { tokenizer, mim } = recipe;
  const epochsOf = ({ batchSize }: { batchSize: number }) => steps / Math.floor(images / batchSize);
  return {
    ...recipe,
    tokenizer: { ...tokenizer, epochs: epochsOf(tokenizer) },
    mim: { ...mim, epochs: epochsOf(mim), warmupEpochs: (mim.warmupEpochs / mim.epochs) * epochsOf(mim) },
  };
}

/** What a stage's log holds of every step. */
async function curveOf(runDir: string, batchSize: number): Promise<Curve> {
  const lines = (await readMetrics(runDir)).filter(({ kind }) => kind === 'train');
  return {
    loss: lines.map(({ loss }) => Number(loss)),
    seconds: lines.map(({ imagesPerSecond }) => Number((batchSize / Number(imagesPerSecond)).toPrecision(4))),
  };
}

async function main(): Promise<number> {
  const parsed = parseOptionTable(OPTIONS, process.argv.slice(2));
  if (parsed === 'help') {
    console.log(HELP);
    return 0;
  }
  const { values } = parsed;
  const { steps } = values;
  const window = Math.min(WINDOW, Math.floor(steps / 2));
  const runs = values.runs ?? join(RUNS, `precision-${steps}`);
  const out = values.out ?? (steps === STEPS ? join(RUNS, '../docs/results') : runs);

  tf.enableProdMode();
  const progress = terminalProgress({ quiet: false });
  const interrupt = interruptSignal();
  const original = RECIPES[0]!;
  const source = (await loadImages(original, undefined)).train;
  const recipe = shortened(original, steps, source.names.length);

  async function training(
    stage: 'tokenizer' | 'pretraining',
    precision: Precision,
    seed: number,
    run: (options: PretrainStageOptions) => Promise<StageResult>,
  ): Promise<{ params: NamedTensors; curve: Curve }> {
    progress.message(`${stage}, ${precision}, seed ${seed}`);
    const runDir = join(runs, stage, `${precision}-seed-${seed}`);
    const { params, interrupted } = await run({
      recipe: { ...recipe, seed },
      source,
      runDir,
      engine: { engine: 'openvino', precision },
      workers: 1,
      logEvery: 1,
      progress,
      signal: interrupt.signal,
    });
    if (interrupted) throw new Interrupted(`Stopped and saved in ${runs}. The same command continues.`);
    const { batchSize } = stage === 'tokenizer' ? recipe.tokenizer : recipe.mim;
    return { params, curve: await curveOf(runDir, batchSize) };
  }
  const measureNothing = async () => ({});
  const tokenizer = (precision: Precision) =>
    training('tokenizer', precision, recipe.seed, (options) => tokenizerStage(options, measureNothing));
  const tokenizerFp32 = await tokenizer('fp32');
  const pretraining = async (precision: Precision, seed: number) => {
    const { curve } = await training('pretraining', precision, seed, (options) =>
      mimStage(options, tokenObjective(options.recipe, tokenizerFp32.params), measureNothing),
    );
    return curve;
  };
  const stage2: StageCurves = {
    fp32: await pretraining('fp32', recipe.seed),
    bf16: await pretraining('bf16', recipe.seed),
  };
  const stage1: StageCurves | undefined = values['both-stages']
    ? { fp32: tokenizerFp32.curve, bf16: (await tokenizer('bf16')).curve }
    : undefined;
  const otherSeed = values['second-seed'] ? await pretraining('fp32', recipe.seed + 1) : undefined;
  interrupt.release();

  const processors = cpus();
  const result = {
    steps,
    window,
    environment: `${processors.length} cores of ${processors[0]?.model ?? 'an unknown processor'}, Node ${process.versions.node}, OpenVINO.`,
    summary: summaryOfStage({ ...stage2, otherSeed }, window),
    tokenizer: stage1 && summaryOfStage(stage1, window),
    curves: { pretraining: { ...stage2, otherSeed }, tokenizer: stage1 },
  };
  await makeFolder(out);
  await writeFile(join(out, 'precision.json'), `${JSON.stringify(result, null, 1)}\n`);
  await writeFile(join(out, 'precision.svg'), precisionFigure(result));
  await writeFile(join(out, 'precision.md'), precisionPage(result));
  console.log(JSON.stringify({ summary: result.summary, tokenizer: result.tokenizer }, null, 2));
  console.log(`Written to ${out}`);
  return 0;
}

class Interrupted extends Error {}

try {
  process.exitCode = await main();
} catch (error) {
  const known = error instanceof Error && !process.env.DEBUG;
  console.error(known ? `${error.message}\n(DEBUG=1 shows where.)` : error);
  process.exitCode = error instanceof Interrupted ? 130 : 1;
}
