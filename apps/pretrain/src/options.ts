import {
  dataLocation,
  ENGINE_OPTIONS,
  type EngineOptions,
  engineOptions,
  flag,
  JOB_OPTIONS,
  microBatches,
  modelLocation,
  type OptionTexts,
  type OptionValues,
  oneOf,
  option,
  optionHelp,
  outOptions,
  parseOptionTable,
  type Reader,
  readTexts,
  resolveRun,
  text,
  UsageError,
  whole,
} from '@beit/cli';
import { type PretrainRecipe, pretrainRecipe, TARGETS } from './recipe';
import { RECIPES } from './recipes';

/** `N` for both stages, `N,M` for one each. */
const perStage: Reader<readonly [number, number]> = (text, flag) => {
  const [first = '', second = first, ...rest] = text.split(',');
  if (rest.length > 0) throw new UsageError(`--${flag} is '${text}'; expected N or N,M.`);
  return [whole(1)(first, flag), whole(1)(second, flag)];
};

const OPTIONS = {
  recipe: option(
    'NAME',
    `${RECIPES.map(({ name }) => name).join(', ')} (default: emoji),
or a file such as my.json: { "extends": "emoji", "mim": { "epochs": 40 } }, or the
recipe.json of a run`,
    text,
    'emoji',
  ),
  data: option(
    'DIR',
    `a folder of images, at any depth, or shards: a folder, train-{000..123}.tar, the address of
an index; see docs/shards.md; hf:owner/name, a data set on the Hub. Default: the embedded
emoji`,
    dataLocation,
  ),
  ...outOptions(''),
  tokenizer: option(
    'PATH',
    `skip stage 1: a run, a file, or the folder of DALL-E's encoder.pkl and decoder.pkl or of
FLAVA's codebook, or a name on the Hub (facebook/flava-image-codebook); what has no
decoder is enough`,
    modelLocation,
  ),
  ...ENGINE_OPTIONS,
  'shard-optimizer': JOB_OPTIONS['shard-optimizer'],
  target: option(
    'NAME',
    "tokens or pixels: what is predicted of masked patches (default: the recipe's)",
    oneOf(TARGETS),
  ),
  masking: option(
    'NAME',
    "blockwise, random, or a stop rule: official, exact, paper (default: the recipe's)",
    text,
  ),
  epochs: option('N[,M]', 'of both stages, or of the tokenizer and of pre-training', perStage),
  'batch-size': option('N[,M]', 'likewise', perStage),
  seed: option('N', 'default: 0', whole(0)),
  workers: JOB_OPTIONS.workers,
  'checkpoint-minutes': JOB_OPTIONS['checkpoint-minutes'],
  'dry-run': flag('show what would be done, with sizes and an estimate of the time, and stop'),
  quiet: flag('no progress'),
};

export const HELP = `Usage: pnpm --filter pretrain start -- [options]

Pre-trains BEiT: stage 1 learns visual tokens with a discrete VAE, stage 2 predicts the tokens of masked patches.
With --target pixels, the paper's ablation, there is no stage 1: the pixels of masked patches are predicted.

  pnpm --filter pretrain start                          the default, about 10 minutes on 2 cores
  pnpm --filter pretrain start -- --resume              continue the newest run of the recipe
  pnpm --filter pretrain start -- --data photos         the small recipe on a folder of your own images
  pnpm --filter pretrain start -- --recipe beit-base-imagenet1k --data train --tokenizer dvae.safetensors --dry-run

${optionHelp(OPTIONS)}`;

export interface RunOptions {
  readonly recipe: PretrainRecipe;
  /** A folder, or where shards are. */
  readonly data?: string;
  /** Absolute paths, as all that follow. */
  readonly out: string;
  /** What the run's folder says of it beside the recipe. */
  readonly how: OptionTexts;
  /** Whether that folder holds the run, which is to continue. */
  readonly resumes: boolean;
  readonly tokenizer?: string;
  readonly engine: EngineOptions;
  /** Whether each process of a job keeps a part of the optimizer's state. */
  readonly shardOptimizer: boolean;
  readonly workers: number;
  /** Minutes between checkpoints, at most. */
  readonly checkpointMinutes: number;
  readonly dryRun: boolean;
  readonly quiet: boolean;
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
  const parsed = parseOptionTable(OPTIONS, args);
  if (parsed === 'help') return 'help';
  const dryRun = parsed.values['dry-run'];
  const {
    values,
    recipe,
    out = '',
    how,
  } = await resolveRun({
    trains: true,
    looks: dryRun,
    asked: parsed,
    read: (texts) => readTexts(OPTIONS, texts),
    recipes: RECIPES,
    schema: pretrainRecipe,
    overrides: ['target', 'masking', 'epochs', 'batch-size', 'seed'],
    override: withOverrides,
    prefix: '',
  });
  const { data, tokenizer } = values;
  const engine = engineOptions(values);
  if (recipe.mim.target === 'pixels' && tokenizer !== undefined) {
    throw new UsageError(
      `--tokenizer is '${parsed.typed.tokenizer}', but pixels are predicted without one; expected --target tokens.`,
    );
  }
  if (data === undefined && recipe.data.kind === 'folder' && !dryRun) {
    throw new UsageError(`The recipe '${recipe.name}' needs --data DIR, a folder of images.`);
  }
  return {
    recipe,
    out,
    how,
    resumes: values.resume,
    data,
    tokenizer,
    engine,
    shardOptimizer: values['shard-optimizer'],
    workers: values.workers,
    checkpointMinutes: values['checkpoint-minutes'],
    dryRun,
    quiet: values.quiet,
  };
}

function withOverrides(recipe: PretrainRecipe, values: OptionValues<typeof OPTIONS>): PretrainRecipe {
  const { data, epochs, 'batch-size': batchSizes, seed = recipe.seed, target = recipe.mim.target } = values;
  return {
    ...recipe,
    data: data === undefined || recipe.data.kind === 'folder' ? recipe.data : { kind: 'folder' },
    seed,
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
  };
}
