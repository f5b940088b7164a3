import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  ENGINE_HELP,
  FINETUNE_ARGUMENTS,
  type FinetuneOptions,
  finetuneOptions,
  finetuneOverrides,
  number,
  outFolder,
  ownArguments,
  parsed,
  typedIn,
  UsageError,
} from '@beit/apps-shared';
import { readRecipe } from '@beit/apps-shared/recipe';
import { type FinetuneRecipe, finetuneRecipe } from './recipe';
import { RECIPES } from './recipes';

export const COMMANDS = ['train', 'evaluate', 'predict', 'probe', 'export'] as const;
export type Command = (typeof COMMANDS)[number];

export const HELP = `Usage: pnpm --filter classify start -- [command] [options]

Fine-tunes a pre-trained BEiT to tell classes of images apart, or trains it from scratch.

  pnpm --filter classify start                                  the embedded emoji, from the newest pre-training run
  pnpm --filter classify start -- --data DIR --checkpoint RUN_OR_FILE
                                                                a folder of your own: DIR/train/cat/1.jpg and
                                                                DIR/val/cat/2.jpg, or DIR/cat/1.jpg alone
  pnpm --filter classify start -- predict --model RUN cat.jpg   what is in an image
  pnpm --filter classify start -- evaluate --model RUN --data DIR
  pnpm --filter classify start -- probe --checkpoint RUN        frozen features: k nearest neighbours, a linear
                                                                classifier on every layer
  pnpm --filter classify start -- export --model RUN --out DIR  model.onnx and what transformers.js reads beside it

  --recipe NAME           ${RECIPES.map(({ name }) => name).join(',\n                          ')}
                          (default: emoji); or a .json file: { "extends": "emoji", "epochs": 80 }
  --data DIR              a folder of folders of images, one for each class, or shards with classes: a folder, the
                          address of an index; see docs/shards.md. Default: the embedded emoji
  --checkpoint PATH       what to begin with: a run or a file (default: the newest run of pre-training)
  --scratch               begin with random parameters
  --model PATH            a run of this app, or its model.safetensors
  --out DIR               where the run is written; default: runs/classify-<recipe>, or a new number beside it
  --resume                continue the run in --out, or the newest of the recipe
  --labels SHARE          train with this share of each class's images, in as many steps as with all (default: 1)
  --epochs N, --batch-size N, --learning-rate X, --layer-decay X, --seed N
                          instead of the recipe's
${ENGINE_HELP}
  --shard-optimizer       of several processes each keeps the optimizer's state of a part of the parameters: less memory
  --workers N             threads that decode and augment (default: 1)
  --top N                 classes shown of a prediction (default: 5)
  --dry-run               show what would be done, with the learning rate of every layer and an estimate of the time
  --quiet                 no progress
  --help                  this text`;

export interface Options extends FinetuneOptions {
  readonly command: Command;
  readonly recipe: FinetuneRecipe;
  /** Absolute path. */
  readonly out?: string;
  /** Share of the labels. */
  readonly labels: number;
}

/** The command line, resolved. @throws UsageError that names the value and what was expected; `'help'` when asked for */
export async function parseOptions(args: readonly string[]): Promise<Options | 'help'> {
  const { values, positionals } = parsed(() => parse(args));
  if (values.help) return 'help';
  const [first = 'train', ...files] = positionals;
  const command = COMMANDS.find((name) => name === first);
  if (!command) throw new UsageError(`There is no command '${first}'. Commands: ${COMMANDS.join(', ')}.`);
  if (command !== 'predict' && files.length > 0)
    throw new UsageError(`'${files[0]}' is too much; expected options after '${command}'.`);
  const recipe = await readRecipe(values.recipe ?? 'emoji', RECIPES, finetuneRecipe);
  const options = finetuneOptions(values, files, recipe);
  const { dryRun } = options;
  if (command === 'train' && values.data === undefined && recipe.data.kind === 'folder' && !dryRun) {
    throw new UsageError(
      `The recipe '${recipe.name}' needs --data DIR, a folder with a folder for each class.`,
    );
  }
  if ((command === 'predict' || command === 'evaluate' || command === 'export') && values.model === undefined)
    throw new UsageError(`'${command}' needs --model, a run of this app or its model.safetensors.`);
  if (command === 'export' && values.out === undefined)
    throw new UsageError(`'export' needs --out, the folder that it writes.`);
  if (command === 'predict' && files.length === 0)
    throw new UsageError(`'predict' needs the paths of images.`);
  const train = command === 'train' && !dryRun;
  return {
    ...options,
    command,
    recipe: withOverrides(recipe, values),
    out: train
      ? await outFolder(values.out, `classify-${recipe.name}`, values.resume ?? false)
      : values.out === undefined
        ? undefined
        : resolve(typedIn(), values.out),
    labels: values.labels === undefined ? 1 : number(values.labels, 'labels', 0.0001, 1),
  };
}

function withOverrides(recipe: FinetuneRecipe, values: ReturnType<typeof parse>['values']): FinetuneRecipe {
  const epochs = values.epochs === undefined ? recipe.epochs : number(values.epochs, 'epochs', 0.001);
  return {
    ...recipe,
    ...finetuneOverrides(values, recipe),
    epochs,
    // A shorter run has a shorter warm-up.
    warmupEpochs: Math.min(recipe.warmupEpochs, (recipe.warmupEpochs / recipe.epochs) * epochs),
  };
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: ownArguments(args),
    allowPositionals: true,
    options: { ...FINETUNE_ARGUMENTS, labels: { type: 'string' }, epochs: { type: 'string' } },
  });
