import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { EngineOptions } from './engineOptions';
import type { PretrainRecipe } from './recipe';
import { RECIPES } from './recipes';

const ENGINES = ['auto', 'openvino', 'onnxruntime', 'tensorflow', 'tensorflow-gpu', 'tfjs'] as const;
const PRECISIONS = ['fp32', 'bf16'] as const;
const DEVICES = ['cpu', 'cuda', 'webgpu'] as const;

export const HELP = `Usage: pnpm --filter pretrain start -- [options]

Pre-trains BEiT: stage 1 learns visual tokens with a discrete VAE, stage 2 predicts the tokens of masked patches.

  pnpm --filter pretrain start                          the default, about 10 minutes on 2 cores
  pnpm --filter pretrain start -- --resume              continue the newest run of the recipe
  pnpm --filter pretrain start -- --data photos         the small recipe on a folder of your own images
  pnpm --filter pretrain start -- --recipe beit-base-imagenet1k --data train --tokenizer dvae.safetensors --dry-run

  --recipe NAME           ${RECIPES.map(({ name }) => name).join(', ')} (default: emoji)
  --data DIR              a folder of images, at any depth; default: the embedded emoji
  --out DIR               where the run is written; default: runs/<recipe>, or a new number beside it
  --resume                continue the run in --out, or the newest of the recipe
  --tokenizer FILE        skip stage 1: a .safetensors file of a dVAE (ours, DALL-E's or FLAVA's names)
  --engine NAME           ${ENGINES.join(', ')} (default: auto, the
                          fastest of openvino, onnxruntime and tfjs that is installed; GPUs: docs/gpu.md)
  --precision NAME        fp32 (default: the same numbers on every engine) or bf16, for matrix products and
                          convolutions (openvino)
  --device NAME           cpu (default), cuda or webgpu, where onnxruntime computes
  --masking NAME          blockwise, random, or a stop rule: official, exact, paper (default: the recipe's)
  --epochs N[,M]          of both stages, or of the tokenizer and of pre-training
  --batch-size N[,M]      likewise
  --seed N                default: 0
  --workers N             threads that decode and augment (default: 1)
  --dry-run               show what would be done, with sizes and an estimate of the time, and stop
  --quiet                 no progress
  --help                  this text`;

export interface RunOptions {
  readonly recipe: PretrainRecipe;
  /** Absolute paths. */
  readonly out: string;
  readonly data?: string;
  readonly tokenizer?: string;
  readonly engine: EngineOptions;
  readonly workers: number;
  readonly dryRun: boolean;
  readonly quiet: boolean;
}

/** A mistake on the command line: shown without a stack. */
export class UsageError extends Error {}

const RUNS = fileURLToPath(new URL('../../../runs', import.meta.url));
/** Where the command was typed; package scripts run elsewhere. */
const typedIn = () => process.env.INIT_CWD ?? process.cwd();

function integer(text: string, flag: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new UsageError(`--${flag} is '${text}'; expected a whole number of at least ${least}.`);
  }
  return value;
}

/** `N` for both stages, `N,M` for one each. */
function perStage(text: string | undefined, flag: string): readonly [number, number] | undefined {
  if (text === undefined) return undefined;
  const [first, second = first, ...rest] = text.split(',');
  if (rest.length > 0) throw new UsageError(`--${flag} is '${text}'; expected N or N,M.`);
  return [integer(first!, flag, 1), integer(second!, flag, 1)];
}

/** One of `allowed`, the first when nothing was given. */
function oneOf<T extends string>(text: string | undefined, flag: string, allowed: readonly [T, ...T[]]): T {
  if (text === undefined) return allowed[0];
  const value = allowed.find((name) => name === text);
  if (value === undefined) {
    throw new UsageError(`--${flag} is '${text}'; expected one of ${allowed.join(', ')}.`);
  }
  return value;
}

function engineOptions(values: { engine?: string; precision?: string; device?: string }): EngineOptions {
  const engine = oneOf(values.engine, 'engine', ENGINES);
  const precision = oneOf(values.precision, 'precision', PRECISIONS);
  if (precision === 'bf16' && engine !== 'auto' && engine !== 'openvino') {
    throw new UsageError(
      `--precision is 'bf16', which '${engine}' does not have; expected --engine openvino.`,
    );
  }
  if (values.device === undefined) return { engine, precision };
  if (engine !== 'onnxruntime') {
    throw new UsageError(
      `--device is '${values.device}' with --engine ${engine}; it is for --engine onnxruntime.`,
    );
  }
  return { engine, precision, device: oneOf(values.device, 'device', DEVICES) };
}

function masked(recipe: PretrainRecipe, masking: string | undefined): PretrainRecipe['mim']['masking'] {
  const { masking: own } = recipe.mim;
  if (masking === undefined || masking === own.kind) return own;
  const { gridSize } = own;
  if (masking === 'random') {
    const target =
      'numMaskingPatches' in own ? { numMaskingPatches: own.numMaskingPatches! } : { maskRatio: 0.4 };
    return { kind: 'random', gridSize, ...target };
  }
  if ((masking === 'official' || masking === 'exact' || masking === 'paper') && own.kind === 'blockwise') {
    return { ...own, stopRule: masking };
  }
  throw new UsageError(`--masking is '${masking}'; expected blockwise, random, official, exact or paper.`);
}

async function runFolders(recipe: string): Promise<string[]> {
  const names = await readdir(RUNS).catch(() => [] as string[]);
  const number = (name: string) => Number(name.slice(recipe.length + 1) || 1);
  return names
    .filter((name) => name === recipe || new RegExp(`^${recipe}-\\d+$`).test(name))
    .sort((a, b) => number(a) - number(b));
}

/** The folder of the run. A run that is there is only continued when that is asked for. */
async function outFolder(out: string | undefined, recipe: string, resume: boolean): Promise<string> {
  const started = (folder: string) => existsSync(join(folder, 'recipe.json'));
  if (out !== undefined) {
    const folder = resolve(typedIn(), out);
    if (resume && !started(folder)) throw new UsageError(`There is no run to continue in ${folder}.`);
    if (!resume && started(folder)) {
      throw new UsageError(`${folder} holds a run. Add --resume to continue it, or give another --out.`);
    }
    return folder;
  }
  const folders = await runFolders(recipe);
  const newest = folders.at(-1);
  if (resume) {
    if (newest === undefined)
      throw new UsageError(`There is no run of the recipe '${recipe}' to continue in ${RUNS}.`);
    return join(RUNS, newest);
  }
  if (newest === undefined) return join(RUNS, recipe);
  const [, last] = /-(\d+)$/.exec(basename(newest)) ?? [undefined, '1'];
  return join(RUNS, `${recipe}-${Number(last) + 1}`);
}

/** The command line as a resolved run. @throws UsageError that names the value and what was expected; `'help'` when asked for */
export async function parseOptions(args: readonly string[]): Promise<RunOptions | 'help'> {
  let values: ReturnType<typeof parse>['values'];
  try {
    values = parse(args).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  if (values.help) return 'help';
  const name = values.recipe ?? 'emoji';
  const recipe = RECIPES.find((r) => r.name === name);
  if (!recipe)
    throw new UsageError(`There is no recipe '${name}'. Recipes: ${RECIPES.map((r) => r.name).join(', ')}.`);
  const engine = engineOptions(values);
  const epochs = perStage(values.epochs, 'epochs');
  const batchSizes = perStage(values['batch-size'], 'batch-size');
  const data = values.data === undefined ? undefined : resolve(typedIn(), values.data);
  if (data === undefined && recipe.data.kind === 'folder' && !values['dry-run']) {
    throw new UsageError(`The recipe '${name}' needs --data DIR, a folder of images.`);
  }
  return {
    recipe: {
      ...recipe,
      data: data === undefined ? recipe.data : { kind: 'folder' },
      seed: values.seed === undefined ? recipe.seed : integer(values.seed, 'seed', 0),
      tokenizer: {
        ...recipe.tokenizer,
        ...(epochs && { epochs: epochs[0] }),
        ...(batchSizes && smaller(batchSizes[0], recipe.tokenizer.microBatchSize)),
      },
      mim: {
        ...recipe.mim,
        masking: masked(recipe, values.masking),
        ...(epochs && { epochs: epochs[1], warmupEpochs: Math.min(recipe.mim.warmupEpochs, epochs[1] / 10) }),
        ...(batchSizes && smaller(batchSizes[1], recipe.mim.microBatchSize)),
      },
    },
    out: values['dry-run'] ? '' : await outFolder(values.out, name, values.resume ?? false),
    data,
    tokenizer: values.tokenizer === undefined ? undefined : resolve(typedIn(), values.tokenizer),
    engine,
    workers: values.workers === undefined ? 1 : integer(values.workers, 'workers', 0),
    dryRun: values['dry-run'] ?? false,
    quiet: values.quiet ?? false,
  };
}

/** The batch in equal micro-batches, the largest that are no larger than the recipe's. */
function smaller(batchSize: number, most: number) {
  let microBatchSize = Math.min(batchSize, most);
  while (batchSize % microBatchSize !== 0) microBatchSize--;
  return { batchSize, microBatchSize };
}

const parse = (args: readonly string[]) =>
  parseArgs({
    // pnpm hands on the '--' that separates its own options.
    args: args.filter((argument) => argument !== '--'),
    options: {
      recipe: { type: 'string' },
      data: { type: 'string' },
      out: { type: 'string' },
      resume: { type: 'boolean' },
      tokenizer: { type: 'string' },
      engine: { type: 'string' },
      precision: { type: 'string' },
      device: { type: 'string' },
      masking: { type: 'string' },
      epochs: { type: 'string' },
      'batch-size': { type: 'string' },
      seed: { type: 'string' },
      workers: { type: 'string' },
      'dry-run': { type: 'boolean' },
      quiet: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
