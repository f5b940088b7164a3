import { resolve } from 'node:path';
import {
  dataLocation,
  ENGINE_OPTIONS,
  type EngineOptions,
  engineOptions,
  flag,
  microBatches,
  number,
  type OptionValues,
  option,
  optionHelp,
  ownArguments,
  parseOptionTable,
  path,
  type Reader,
  RUNS,
  readRecipe,
  text,
  UsageError,
  whole,
} from '@beit/cli';
import { type PretrainRecipe, pretrainRecipe } from '../recipe';
import { RECIPES } from '../recipes';
import { type Devices, LATENCY, NVLINK, PCIE_3_X16 } from './model/hardware';
import type { Network } from './model/predict';
import { bytesPerSecond, secondsOf } from './units';

const ranks: Reader<number[]> = (text, flag) => {
  const all = text.split(',').map((one) => whole(1)(one, flag));
  return [...new Set(all)].sort((a, b) => a - b);
};

/** Above 0. */
const positive = number(Number.MIN_VALUE);

const OPTIONS = {
  recipe: option(
    'NAME',
    `${RECIPES.map(({ name }) => name).join(', ')} (default: emoji), or a .json file`,
    text,
    'emoji',
  ),
  ranks: option('N,M,...', 'numbers of processes', ranks, [1, 2, 4]),
  'batch-size': option('N', "of all ranks together (default: the recipe's)", whole(1)),
  'micro-batch-size': option('N', "images at once in a rank, at most (default: the recipe's)", whole(1)),
  data: option(
    'DIR',
    `a folder of images, or shards; default: noise that is in memory already, so that reading and decoding
files does not count`,
    dataLocation,
  ),
  'ranks-per-machine': option(
    'N',
    'ranks that share a machine (default: all of them; with --bandwidth, one)',
    whole(1),
  ),
  bandwidth: option(
    'RATE',
    `that each rank can send, such as 100Gb/s (bits) or 12GB/s (bytes); default: measured between
processes that --launcher starts`,
    bytesPerSecond,
  ),
  latency: option('TIME', 'of one message, with --bandwidth (default: 50us)', secondsOf),
  launcher: option(
    'COMMAND',
    "default: mpirun. Several machines: --launcher 'mpirun --hostfile hosts' --ranks-per-machine 1",
    text,
    'mpirun',
  ),
  'images-per-second': option(
    'X',
    'that one device trains alone, the tokenizer included: one whose rate is known',
    positive,
  ),
  'step-time': option('S', 'or the seconds that it takes for the whole batch', positive),
  teraflops: option(
    'X',
    'or the rate that it reaches (not its peak), in 10^12 operations a second',
    positive,
  ),
  'copy-bandwidth': option(
    'RATE',
    'between that device and its host (default: that of PCIe 3.0 x16)',
    bytesPerSecond,
  ),
  'device-bandwidth': option(
    'RATE',
    `that each of several devices of a rank (--engine xla --device cuda:0,1) can send to the others
(default: that of an H200's NVLink)`,
    bytesPerSecond,
  ),
  check: flag('also trains, with every number of ranks, and tells how far off the prediction is'),
  steps: option('N', 'that are timed', whole(2), 12),
  rounds: option('N', 'how often all is measured, in turns', whole(1), 1),
  ...ENGINE_OPTIONS,
  workers: option('N', 'threads of a rank that augment images', whole(0), 1),
  json: flag('the results as JSON on standard output'),
  write: flag("scaling.md, scaling.json and scaling.svg, with the table of the paper's run"),
  out: option('DIR', 'where they go (default: docs/results)', path),
};

export const HELP = `Usage: pnpm scaling [options]

What a pre-training (stage 2) would take on many ranks: step time, efficiency, days, memory. Measures the work of a rank
and all-reduce on the machine at hand, or takes what you know of another; the model is in docs/scaling.md.

  pnpm scaling                                      1, 2 and 4 ranks on this machine
  pnpm scaling --check                              and the real thing beside it, under mpirun
  pnpm scaling --bandwidth 10Gb/s --ranks 2,4,8     ranks that have a machine like this one each
  pnpm scaling --recipe beit-base-imagenet1k --micro-batch-size 128 --ranks 1,8,16 --images-per-second 150 --bandwidth 100Gb/s
                                                    devices whose rate is known; nothing is timed
  pnpm scaling ... --engine xla --device cuda:0,1,2,3,4,5,6,7 --device-bandwidth 450GB/s
                                                    a rank has eight of them, which exchange nothing over the host

${optionHelp(OPTIONS)}`;

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
  /** A rank's, with the engine xla. */
  readonly devices?: Devices;
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
  const parsed = parseOptionTable(OPTIONS, args);
  if (parsed === 'help') return 'help';
  const { values, typed } = parsed;
  const { data, bandwidth, latency, launcher, check, steps, rounds, workers, json, write } = values;
  const recipe = await readRecipe(values.recipe, RECIPES, pretrainRecipe);
  const network = bandwidth === undefined ? undefined : { bandwidth, latency: latency ?? LATENCY };
  if (!network && latency !== undefined)
    throw new UsageError(`--latency is '${typed.latency}', but the network is measured; add --bandwidth.`);
  const rate = rateOf(values);
  if (rate && !network)
    throw new UsageError(
      `--${rate.flag} is for hardware that is not here; add the --bandwidth between its ranks, such as 100Gb/s.`,
    );
  const { 'copy-bandwidth': copyBandwidth } = values;
  if (copyBandwidth !== undefined && !rate)
    throw new UsageError(
      `--copy-bandwidth is '${typed['copy-bandwidth']}', but copies are measured; it is for ${RATES.map(([flag]) => `--${flag}`).join(', ')}.`,
    );
  const engine = engineOptions(values);
  const devices = devicesOf(engine, values['device-bandwidth'] ?? NVLINK);
  if (values['device-bandwidth'] !== undefined && !(rate && devices && devices.count > 1))
    throw new UsageError(
      `--device-bandwidth is '${typed['device-bandwidth']}'; it is for several devices of a rank whose rate is known: --engine xla --device cuda:0,1.`,
    );
  if (rate && engine.devices === 'all')
    throw new UsageError(
      "--devices is 'all', but how many a rank has there is not known; name them: --device cuda:0,1.",
    );
  if (json && write)
    throw new UsageError(
      '--json goes to standard output and --write has it in scaling.json; give one of them.',
    );
  if (check && network)
    throw new UsageError('--check trains on what is here; it cannot be had with --bandwidth.');
  return {
    recipe: { ...recipe, mim: { ...recipe.mim, ...batches(recipe, values) } },
    ...(data !== undefined && { data }),
    ranks: values.ranks,
    ranksPerMachine: values['ranks-per-machine'] ?? (network ? 1 : undefined),
    ...(network && { network }),
    launcher,
    ...(rate && { rate }),
    copyBandwidth: copyBandwidth ?? PCIE_3_X16,
    check,
    steps,
    rounds,
    ...(devices && { devices }),
    engine,
    workers,
    json,
    write,
    out: values.out ?? resolve(RUNS, '../docs/results'),
    command: commandOf(args),
  };
}

/** What was typed, but for how the results are told: the same on another machine. */
function commandOf(args: readonly string[]): string {
  const own = ownArguments(args);
  const kept = own.filter((arg, i) => arg !== '--json' && !/^--out(=|$)/.test(arg) && own[i - 1] !== '--out');
  return ['pnpm scaling', ...kept].join(' ');
}

type Values = OptionValues<typeof OPTIONS>;

function batches({ mim }: PretrainRecipe, values: Values) {
  const { 'batch-size': size = mim.batchSize, 'micro-batch-size': most = mim.microBatchSize } = values;
  return microBatches(size, most);
}

const devicesOf = ({ engine, devices = [0] }: EngineOptions, bandwidth: number): Devices | undefined =>
  engine === 'xla' ? { count: devices.length, bandwidth } : undefined;

function rateOf(values: Values) {
  const [first, second] = RATES.flatMap(([flag, kind]) => {
    const value = values[flag];
    return value === undefined ? [] : [{ flag, kind, value }];
  });
  if (first && second)
    throw new UsageError(`--${first.flag} and --${second.flag} say the same; give one of them.`);
  return first;
}
