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
  oneOf,
  outFolder,
  ownArguments,
  parsed,
  typedIn,
  UsageError,
} from '@beit/apps-shared';
import { readRecipe } from '@beit/apps-shared/recipe';
import { type PretrainRecipe, pretrainRecipe, TARGETS } from './recipe';
import { RECIPES } from './recipes';

export const HELP = `Usage: pnpm --filter pretrain start -- [options]

Pre-trains BEiT: stage 1 learns visual tokens with a discrete VAE, stage 2 predicts the tokens of masked patches.
With --target pixels, the paper's ablation, there is no stage 1: the pixels of masked patches are predicted.

  pnpm --filter pretrain start                          the default, about 10 minutes on 2 cores
  pnpm --filter pretrain start -- --resume              continue the newest run of the recipe
  pnpm --filter pretrain start -- --data photos         the small recipe on a folder of your own images
  pnpm --filter pretrain start -- --recipe beit-base-imagenet1k --data train --tokenizer dvae.safetensors --dry-run

  --recipe NAME           ${RECIPES.map(({ name }) => name).join(', ')} (default: emoji),
                          or a file such as my.json: { "extends": "emoji", "mim": { "epochs": 40 } }, or the
                          recipe.json of a run
  --data DIR              a folder of images, at any depth, or shards: a folder, train-{000..123}.tar, the address of
                          an index; see docs/shards.md. Default: the embedded emoji
  --out DIR               where the run is written; default: runs/<recipe>, or a new number beside it
  --resume                continue the run in --out, or the newest of the recipe
  --tokenizer FILE        skip stage 1: a .safetensors file of a dVAE (ours, DALL-E's or FLAVA's names)
${ENGINE_HELP}
  --shard-optimizer       of several processes each keeps the optimizer's state of a part of the parameters: less memory
  --target NAME           tokens or pixels: what is predicted of masked patches (default: the recipe's)
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
  /** A folder, or where shards are. */
  readonly data?: string;
  /** Absolute paths, as all that follow. */
  readonly out: string;
  readonly tokenizer?: string;
  readonly engine: EngineOptions;
  /** Whether each process of a job keeps a part of the optimizer's state. */
  readonly shardOptimizer: boolean;
  readonly workers: number;
  readonly dryRun: boolean;
  readonly quiet: boolean;
}

/** `N` for both stages, `N,M` for one each. */
function perStage(text: string | undefined, flag: string): readonly [number, number] | undefined {
  if (text === undefined) return undefined;
  const [first, second = first, ...rest] = text.split(',');
  if (rest.length > 0) throw new UsageError(`--${flag} is '${text}'; expected N or N,M.`);
  return [integer(first!, flag, 1), integer(second!, flag, 1)];
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

/** The command line as a resolved run. @throws UsageError that names the value and what was expected; `'help'` when asked for */
export async function parseOptions(args: readonly string[]): Promise<RunOptions | 'help'> {
  const { values } = parsed(() => parse(args));
  if (values.help) return 'help';
  const recipe = await readRecipe(values.recipe ?? 'emoji', RECIPES, pretrainRecipe);
  const engine = engineOptions(values);
  const target = values.target === undefined ? recipe.mim.target : oneOf(values.target, 'target', TARGETS);
  if (target === 'pixels' && values.tokenizer !== undefined) {
    throw new UsageError(
      `--tokenizer is '${values.tokenizer}', but pixels are predicted without one; expected --target tokens.`,
    );
  }
  const epochs = perStage(values.epochs, 'epochs');
  const batchSizes = perStage(values['batch-size'], 'batch-size');
  const data = values.data === undefined ? undefined : dataLocation(values.data);
  if (data === undefined && recipe.data.kind === 'folder' && !values['dry-run']) {
    throw new UsageError(`The recipe '${recipe.name}' needs --data DIR, a folder of images.`);
  }
  return {
    recipe: {
      ...recipe,
      data: data === undefined || recipe.data.kind === 'folder' ? recipe.data : { kind: 'folder' },
      seed: values.seed === undefined ? recipe.seed : integer(values.seed, 'seed', 0),
      tokenizer: {
        ...recipe.tokenizer,
        ...(epochs && { epochs: epochs[0] }),
        ...(batchSizes && microBatches(batchSizes[0], recipe.tokenizer.microBatchSize)),
      },
      mim: {
        ...recipe.mim,
        target,
        masking: masked(recipe, values.masking),
        ...(epochs && { epochs: epochs[1], warmupEpochs: Math.min(recipe.mim.warmupEpochs, epochs[1] / 10) }),
        ...(batchSizes && microBatches(batchSizes[1], recipe.mim.microBatchSize)),
      },
    },
    out: values['dry-run'] ? '' : await outFolder(values.out, recipe.name, values.resume ?? false),
    data,
    tokenizer: values.tokenizer === undefined ? undefined : resolve(typedIn(), values.tokenizer),
    engine,
    shardOptimizer: values['shard-optimizer'] ?? false,
    workers: values.workers === undefined ? 1 : integer(values.workers, 'workers', 0),
    dryRun: values['dry-run'] ?? false,
    quiet: values.quiet ?? false,
  };
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: ownArguments(args),
    options: {
      recipe: { type: 'string' },
      data: { type: 'string' },
      out: { type: 'string' },
      resume: { type: 'boolean' },
      tokenizer: { type: 'string' },
      ...ENGINE_ARGUMENTS,
      target: { type: 'string' },
      masking: { type: 'string' },
      epochs: { type: 'string' },
      'batch-size': { type: 'string' },
      seed: { type: 'string' },
      'shard-optimizer': { type: 'boolean' },
      workers: { type: 'string' },
      'dry-run': { type: 'boolean' },
      quiet: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
