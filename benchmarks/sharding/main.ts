import { describeMachine, findLauncher, launchJson, machineLine, markdownTable } from '@beit/measurements';
import { BEIT_BASE_PATCH16_224, BEIT_LARGE_PATCH16_224 } from '@beit/vit';
import { integer, integers, oneOf, publishedCommandLine } from '../shared/commandLine';
import { APP_ENGINES } from '../shared/ourEngines';
import { publish } from '../shared/publish';
import { MODELS, type ModelName, VOCAB_SIZE } from '../trainStep/task';
import type { ShardingArguments, ShardingRun } from './ours';
import { pretrainShapes, stateBytes } from './stateBytes';

const values = publishedCommandLine(
  `Usage: pnpm bench:sharding [options]

What --shard-optimizer saves: memory of every process that pre-trains, measured with and without it, and computed from the
sizes of tensors, for BEiT-Large too. Needs mpirun.

  --model NAME     ${Object.keys(MODELS).join(', ')}: what is measured (default: base)
  --processes N,M  of the jobs that are measured (default: 2)
  --steps N        of a job (default: 3)
  --engine NAME    ${APP_ENGINES.join(', ')} (default: auto, the fastest that is installed)
  --launcher NAME  default: mpirun
  --computed       measure nothing`,
  {
    model: { type: 'string', default: 'base' },
    processes: { type: 'string', default: '2' },
    steps: { type: 'string', default: '3' },
    engine: { type: 'string', default: 'auto' },
    launcher: { type: 'string', default: 'mpirun' },
    computed: { type: 'boolean', default: false },
  },
  'scaling.md',
);
const model = oneOf(values.model, 'model', Object.keys(MODELS) as ModelName[]);
const processes = values.computed ? [] : integers(values.processes, 'processes', 2);
const steps = integer(values.steps, 'steps', 1);
const engine = oneOf(values.engine, 'engine', APP_ENGINES);

const OURS = new URL('./ours.ts', import.meta.url);

const largest = (numbers: readonly number[]) => Math.max(...numbers);
const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(2);

async function measure(count: number, sharded: boolean): Promise<ShardingRun[]> {
  const args: ShardingArguments = { model, engine, threads: 1, steps, sharded };
  console.error(`${count} processes, ${sharded ? 'sharded' : 'whole'}`);
  const launcher = findLauncher(values.launcher, 'measure nothing: --computed');
  const runs = await launchJson<ShardingRun[]>(launcher, count, OURS, args);
  console.error(`At most ${gigabytes(largest(runs.map(({ training }) => training)))} GB in each`);
  return runs;
}

/** Relative, the largest of all steps. */
const difference = (
  whole: readonly ShardingRun[],
  sharded: readonly ShardingRun[],
  key: 'losses' | 'gradNorms',
): number => largest(whole[0]![key].map((value, step) => Math.abs(sharded[0]![key][step]! / value - 1)));

const shapes = pretrainShapes(MODELS[model], VOCAB_SIZE);
const measured: {
  readonly processes: number;
  readonly whole: readonly ShardingRun[];
  readonly sharded: readonly ShardingRun[];
}[] = [];
for (const count of processes) {
  const [whole, sharded] = [await measure(count, false), await measure(count, true)];
  const { parameters } = stateBytes(shapes, count);
  if (whole[0]!.parameters !== parameters)
    throw new Error(`The model has ${whole[0]!.parameters} parameters; ${parameters} were computed.`);
  if (!(difference(whole, sharded, 'losses') < 1e-5 && difference(whole, sharded, 'gradNorms') < 1e-3))
    throw new Error(`They do not do the same: ${JSON.stringify([whole[0], sharded[0]])}`);
  measured.push({ processes: count, whole, sharded });
}

const measuredRows = measured.map(({ processes, whole, sharded }) => {
  const of = (runs: readonly ShardingRun[], key: 'training' | 'gathering') => runs.map((run) => run[key]);
  const computed = stateBytes(shapes, processes);
  const [before, after] = [largest(of(whole, 'training')), largest(of(sharded, 'training'))];
  return {
    processes,
    'GB in each': gigabytes(before),
    sharded: gigabytes(after),
    saved: gigabytes(before - after),
    'saved, computed': gigabytes(computed.whole - computed.sharded),
    'first one at a checkpoint': gigabytes(sharded[0]!.gathering),
    'the others': gigabytes(largest(of(sharded.slice(1), 'gathering'))),
    'difference of a loss': difference(whole, sharded, 'losses').toExponential(0),
    'of a norm': difference(whole, sharded, 'gradNorms').toExponential(0),
  };
});
const computed = Object.entries({ base: BEIT_BASE_PATCH16_224, large: BEIT_LARGE_PATCH16_224 }).flatMap(
  ([name, config]) =>
    [2, 4, 8, 16].map((count) => ({
      model: name,
      processes: count,
      ...stateBytes(pretrainShapes(config, VOCAB_SIZE), count),
    })),
);
const computedRows = computed.map(({ model, processes, parameters, whole, sharded }) => ({
  model: `BEiT-${model === 'base' ? 'Base' : 'Large'}, ${(parameters / 1e6).toFixed(0)} M parameters`,
  processes,
  'GB in each': gigabytes(whole),
  sharded: gigabytes(sharded),
  saved: gigabytes(whole - sharded),
}));

const machine = describeMachine();
const command = values.computed
  ? 'pnpm bench:sharding --computed'
  : `pnpm bench:sharding --model ${model} --processes ${processes} --steps ${steps} --engine ${engine}`;
const [first] = measured;
const markdown = [
  ...(first
    ? [
        `Measured: most memory of a process that pre-trains a ViT of ${(first.whole[0]!.parameters / 1e6).toFixed(0)} M parameters, one image at a time, with ${first.whole[0]!.engine}; activations and the engine included.`,
        '',
        markdownTable(measuredRows),
        '',
      ]
    : []),
  'Computed from the sizes of tensors, for parameters, gradients and optimizer alone (`benchmarks/sharding/stateBytes.ts` says what they are):',
  '',
  markdownTable(computedRows),
  '',
  `\`${command}\`${first ? `; ${machineLine(machine)}` : ''}.`,
].join('\n');
await publish('sharding', { command, machine, model, steps, measured, computed }, markdown, {
  json: values.json,
  write: values.write,
  page: 'scaling.md',
});
