import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  dataLocation,
  ENGINE_ARGUMENTS,
  ENGINE_HELP,
  type EngineOptions,
  engineOptions,
  integer,
  microBatches,
  number,
  ownArguments,
  parsed,
  RUNS,
  typedIn,
  UsageError,
} from '@beit/apps-shared';
import { readRecipe } from '@beit/apps-shared/recipe';
import { type PretrainRecipe, pretrainRecipe } from '../recipe';
import { RECIPES } from '../recipes';
import { LATENCY, PCIE_3_X16 } from './hardware';
import type { Network } from './predict';
import { bytesPerSecond, secondsOf } from './units';

export const HELP = `Usage: pnpm scaling [options]

What a pre-training (stage 2) would take on many ranks: step time, efficiency, days, memory. Measures the work of a rank
and all-reduce on the machine at hand, or takes what you know of another; the model is in docs/scaling.md.

  pnpm scaling                                      1, 2 and 4 ranks on this machine
  pnpm scaling --check                              and the real thing beside it, under mpirun
  pnpm scaling --bandwidth 10Gb/s --ranks 2,4,8     ranks that have a machine like this one each
  pnpm scaling --recipe beit-base-imagenet1k --micro-batch-size 128 --ranks 1,8,16 --images-per-second 150 --bandwidth 100Gb/s
                                                    devices whose rate is known; nothing is timed

  --recipe NAME           ${RECIPES.map(({ name }) => name).join(', ')} (default: emoji), or a .json file
  --ranks N,M,...         numbers of processes (default: 1,2,4)
  --batch-size N          of all ranks together (default: the recipe's)
  --micro-batch-size N    images at once in a rank, at most (default: the recipe's)
  --data DIR              a folder of images, or shards; default: noise that is in memory already, so that reading and decoding
                          files does not count
  --ranks-per-machine N   ranks that share a machine (default: all of them; with --bandwidth, one)
  --bandwidth RATE        that each rank can send, such as 100Gb/s (bits) or 12GB/s (bytes); default: measured between
                          processes that --launcher starts
  --latency TIME          of one message, with --bandwidth (default: 50us)
  --launcher COMMAND      default: mpirun. Several machines: --launcher 'mpirun --hostfile hosts' --ranks-per-machine 1
  --images-per-second X   that one rank trains alone, the tokenizer included: a device whose rate is known
  --step-time S           or the seconds that one rank takes for the whole batch
  --teraflops X           or the rate that it reaches (not its peak), in 10^12 operations a second
  --copy-bandwidth RATE   between that device and its host (default: that of PCIe 3.0 x16)
  --check                 also trains, with every number of ranks, and tells how far off the prediction is
  --steps N               that are timed (default: 12)
  --rounds N              how often all is measured, in turns (default: 1)
${ENGINE_HELP}
  --workers N             threads of a rank that augment images (default: 1)
  --json                  the results as JSON on standard output
  --write                 scaling.md, scaling.json and scaling.svg, with the table of the paper's run
  --out DIR               where they go (default: docs/results)
  --help                  this text`;

export interface ScalingOptions {
  /** With the batch sizes of the command line. */
  readonly recipe: PretrainRecipe;
  readonly data?: string;
  readonly ranks: readonly number[];
  /** Undefined: all are on one. */
  readonly ranksPerMachine?: number;
  /** Undefined: to be measured. */
  readonly network?: Network;
  readonly launcher: string;
  /** What is known of a rank, if it is not to be measured. */
  readonly rate?: { readonly kind: 'imagesPerSecond' | 'stepTime' | 'teraflops'; readonly value: number };
  /** Bytes a second. */
  readonly copyBandwidth: number;
  readonly check: boolean;
  readonly steps: number;
  readonly rounds: number;
  readonly engine: EngineOptions;
  readonly workers: number;
  readonly json: boolean;
  readonly write: boolean;
  /** Absolute path. */
  readonly out: string;
  /** As it was typed, without where the results go. */
  readonly command: string;
}

const RATES = [
  ['images-per-second', 'imagesPerSecond'],
  ['step-time', 'stepTime'],
  ['teraflops', 'teraflops'],
] as const;

/** The command line, resolved. @throws UsageError that names the value and what was expected; `'help'` when asked for */
export async function parseOptions(args: readonly string[]): Promise<ScalingOptions | 'help'> {
  const { values } = parsed(() => parse(args));
  if (values.help) return 'help';
  const recipe = await readRecipe(values.recipe ?? 'emoji', RECIPES, pretrainRecipe);
  const network =
    values.bandwidth === undefined
      ? undefined
      : {
          bandwidth: bytesPerSecond(values.bandwidth, 'bandwidth'),
          latency: values.latency === undefined ? LATENCY : secondsOf(values.latency, 'latency'),
        };
  if (!network && values.latency !== undefined)
    throw new UsageError(`--latency is '${values.latency}', but the network is measured; add --bandwidth.`);
  const rate = rateOf(values);
  if (rate && !network)
    throw new UsageError(
      `--${rate.flag} is for hardware that is not here; add the --bandwidth between its ranks, such as 100Gb/s.`,
    );
  if (values['copy-bandwidth'] !== undefined && !rate)
    throw new UsageError(
      `--copy-bandwidth is '${values['copy-bandwidth']}', but copies are measured; it is for ${RATES.map(([flag]) => `--${flag}`).join(', ')}.`,
    );
  if (values.json && values.write)
    throw new UsageError(
      '--json goes to standard output and --write has it in scaling.json; give one of them.',
    );
  const check = values.check ?? false;
  if (check && network)
    throw new UsageError('--check trains on what is here; it cannot be had with --bandwidth.');
  const whole = <Or extends number | undefined>(
    flag: 'steps' | 'rounds' | 'workers' | 'ranks-per-machine',
    least: number,
    or: Or,
  ) => (values[flag] === undefined ? or : integer(values[flag], flag, least));
  return {
    recipe: { ...recipe, mim: { ...recipe.mim, ...batches(recipe, values) } },
    ...(values.data !== undefined && { data: dataLocation(values.data) }),
    ranks: ranksOf(values.ranks ?? '1,2,4'),
    ranksPerMachine: whole('ranks-per-machine', 1, network ? 1 : undefined),
    ...(network && { network }),
    launcher: values.launcher ?? 'mpirun',
    ...(rate && { rate }),
    copyBandwidth:
      values['copy-bandwidth'] === undefined
        ? PCIE_3_X16
        : bytesPerSecond(values['copy-bandwidth'], 'copy-bandwidth'),
    check,
    steps: whole('steps', 2, 12),
    rounds: whole('rounds', 1, 1),
    engine: engineOptions(values),
    workers: whole('workers', 0, 1),
    json: values.json ?? false,
    write: values.write ?? false,
    out: values.out === undefined ? resolve(RUNS, '../docs/results') : resolve(typedIn(), values.out),
    command: typed(args),
  };
}

/** What was typed, but for how the results are told: the same on another machine. */
function typed(args: readonly string[]): string {
  const own = ownArguments(args);
  const kept = own.filter((arg, i) => arg !== '--json' && !/^--out(=|$)/.test(arg) && own[i - 1] !== '--out');
  return ['pnpm scaling', ...kept].join(' ');
}

type Values = ReturnType<typeof parse>['values'];

function batches({ mim }: PretrainRecipe, values: Values) {
  const most =
    values['micro-batch-size'] === undefined
      ? mim.microBatchSize
      : integer(values['micro-batch-size'], 'micro-batch-size', 1);
  const size =
    values['batch-size'] === undefined ? mim.batchSize : integer(values['batch-size'], 'batch-size', 1);
  return microBatches(size, most);
}

function ranksOf(text: string): number[] {
  const ranks = text.split(',').map((one) => integer(one, 'ranks', 1));
  return [...new Set(ranks)].sort((a, b) => a - b);
}

function rateOf(values: Values) {
  const given = RATES.filter(([flag]) => values[flag] !== undefined);
  if (given.length > 1)
    throw new UsageError(
      `${given.map(([flag]) => `--${flag}`).join(' and ')} say the same; give one of them.`,
    );
  if (!given[0]) return undefined;
  const [flag, kind] = given[0];
  return { flag, kind, value: number(values[flag]!, flag, Number.MIN_VALUE) };
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: ownArguments(args),
    options: {
      recipe: { type: 'string' },
      ranks: { type: 'string' },
      'batch-size': { type: 'string' },
      'micro-batch-size': { type: 'string' },
      data: { type: 'string' },
      'ranks-per-machine': { type: 'string' },
      bandwidth: { type: 'string' },
      latency: { type: 'string' },
      launcher: { type: 'string' },
      'images-per-second': { type: 'string' },
      'step-time': { type: 'string' },
      teraflops: { type: 'string' },
      'copy-bandwidth': { type: 'string' },
      check: { type: 'boolean' },
      steps: { type: 'string' },
      rounds: { type: 'string' },
      ...ENGINE_ARGUMENTS,
      workers: { type: 'string' },
      json: { type: 'boolean' },
      write: { type: 'boolean' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
