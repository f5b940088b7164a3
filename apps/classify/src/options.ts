import {
  dataLocation,
  FINETUNE_OPTIONS,
  type FinetuneOptions,
  finetuneOptions,
  finetuneOverrides,
  modelLocation,
  number,
  type OptionTexts,
  type OptionValues,
  OVERRIDE_OPTIONS,
  oneCalled,
  oneOf,
  option,
  optionHelp,
  outOptions,
  parseOptionTable,
  path,
  type Reader,
  readCommand,
  readTexts,
  resolveRun,
  START_OPTIONS,
  text,
  UsageError,
} from '@beit/cli';
import type { Part } from '@beit/data';
import { IMAGENET1K } from './classNames';
import type { LabelsFrom } from './dataset';
import { FEATURES, type FeatureKind } from './imageFeatures';
import { featureFormat } from './openFeatureFile';
import { type FinetuneRecipe, finetuneRecipe } from './recipe';
import { recipeFor } from './recipeFor';
import { RECIPES } from './recipes';

const part = oneCalled<Part | 'all'>({
  val: 'validation',
  validation: 'validation',
  test: 'test',
  train: 'train',
  all: 'all',
});

/** @throws UsageError for a share, which this option once was */
const labelsPath: Reader<string> = (text, flag) => {
  if (/^(0?\.\d+|1|1\.0*)$/.test(text))
    throw new UsageError(`--${flag} is '${text}'; expected a file. A share of the images is --label-share.`);
  return path(text, flag);
};

const dividerText: Reader<string> = (text, flag) => {
  if (text === '') throw new UsageError(`--${flag} is ''; expected a text, 'space' or 'none'.`);
  return text;
};

export const COMMANDS = ['train', 'evaluate', 'predict', 'features', 'probe', 'export'] as const;
export type Command = (typeof COMMANDS)[number];

const OPTIONS = {
  recipe: option(
    'NAME',
    `${RECIPES.map(({ name }) => name).join(',\n')}
(default: emoji); or a .json file: { "extends": "emoji", "epochs": 80 }`,
    text,
    'emoji',
  ),
  data: option(
    'DIR',
    `a folder of folders of images, one for each class, or shards with classes: a folder, the
address of an index; see docs/shards.md. Default: the embedded emoji`,
    dataLocation,
  ),
  checkpoint: option(
    'PATH',
    `what to begin with: a run, a file, or a name on the Hub, owner/name@revision
(default: the newest run of pre-training)`,
    modelLocation,
  ),
  ...START_OPTIONS,
  'class-names': option(
    'FILE',
    `names of the model's classes, where its own file has none or others: one a line, a JSON list,
id2label; or ${IMAGENET1K}`,
    (text, flag) => (text === IMAGENET1K ? text : path(text, flag)),
  ),
  ...outOptions('classify-'),
  labels: option(
    'FILE',
    `labels of the pictures below --data, one or several of each, in place of folders of classes: CSV or
TSV with a header (a picture; labels divided by | ; or spaces, or a column of 0 and 1 for each
class; train, val or test in 'split'), or JSON; see docs/classification.md`,
    labelsPath,
  ),
  'labels-validation': option('FILE', 'those to validate with; --labels then are to train on', path),
  'label-divider': option(
    'TEXT',
    "what stands between the labels of a picture: 'space', 'none', or a text (default: what is found)",
    dividerText,
  ),
  problem: option(
    'NAME',
    `single: each picture has one label, multi: any number (default: single where each picture of the
file has one; of 'evaluate' what the model is for)`,
    oneOf(['single', 'multi']),
  ),
  'label-share': option(
    'SHARE',
    "train with this share of each class's images, in as many steps as with all",
    number(0.0001, 1),
    1,
  ),
  part: option(
    'NAME',
    `what 'evaluate' measures on: val, test, train or all (default: val where the folder has parts; else
all; val of a folder without parts is what training with this --seed holds out)`,
    part,
  ),
  features: option('NAME', `what 'features' writes: ${FEATURES.join(', ')}`, oneOf(FEATURES), 'pooled'),
  epochs: option('N', undefined, number(0.001)),
  ...OVERRIDE_OPTIONS,
  ...FINETUNE_OPTIONS,
};

export const HELP = `Usage: pnpm --filter classify start -- [command] [options]

Fine-tunes a pre-trained BEiT to tell classes of images apart, or trains it from scratch.

  pnpm --filter classify start                                  the embedded emoji, from the newest pre-training run
  pnpm --filter classify start -- --data DIR --checkpoint RUN_OR_FILE
                                                                a folder of your own: DIR/train/cat/1.jpg and
                                                                DIR/val/cat/2.jpg, or DIR/cat/1.jpg alone
  pnpm --filter classify start -- --data DIR --labels FILE.csv --checkpoint RUN_OR_FILE
                                                                labels, one or several of a picture, from a file
  pnpm --filter classify start -- predict --model RUN cat.jpg photos
                                                                what is in images, and in all below folders; with
                                                                --out DIR also as CSV and JSON
  pnpm --filter classify start -- features --checkpoint RUN_OR_FILE --out photos.safetensors photos
                                                                what the encoder says of them; or photos.npy, photos.parquet
  pnpm --filter classify start -- evaluate --model RUN --data DIR
  pnpm --filter classify start -- probe --checkpoint RUN        frozen features: k nearest neighbours, a linear
                                                                classifier on every layer
  pnpm --filter classify start -- export --model RUN --out DIR  model.onnx and what transformers.js reads beside it

${optionHelp(OPTIONS)}`;

export interface Options extends FinetuneOptions {
  readonly command: Command;
  readonly recipe: FinetuneRecipe;
  /** Absolute path. */
  readonly out?: string;
  /** What a run's folder says of it beside the recipe. */
  readonly how: OptionTexts;
  /** Whether that folder holds the run, which is to continue. */
  readonly resumes: boolean;
  /** Where labels stand; undefined: folders are classes. */
  readonly labelsFrom?: LabelsFrom;
  /** Share of the labels to train with. */
  readonly labelShare: number;
  /** What is written of images. */
  readonly features: FeatureKind;
  /** What is measured on; undefined: what there is for it. */
  readonly part?: Part | 'all';
  /** See `readClassNames`. */
  readonly classNames?: string;
}

/** The command line, resolved. @throws UsageError that names the value and what was expected; `'help'` when asked for */
export async function parseOptions(args: readonly string[]): Promise<Options | 'help'> {
  const parsed = parseOptionTable(OPTIONS, args, { allowPositionals: true });
  if (parsed === 'help') return 'help';
  const { typed, positionals } = parsed;
  const { command, files } = readCommand(positionals, COMMANDS, ['predict', 'features']);
  const { values, recipe, out, how } = await resolveRun({
    trains: command === 'train',
    looks: parsed.values['dry-run'],
    asked: parsed,
    read: (texts) => readTexts(OPTIONS, texts),
    recipes: RECIPES,
    schema: finetuneRecipe,
    overrides: ['epochs', ...Object.keys(OVERRIDE_OPTIONS)],
    override: withOverrides,
    begunAs: (wanted, { model, views }, withCheckpoint) =>
      withCheckpoint ? recipeFor(wanted, { config: model, ...views }) : wanted,
    prefix: 'classify-',
  });
  const options = finetuneOptions(values, typed, files, recipe);
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
    throw new UsageError(`'predict' needs the paths of images, or of folders of images.`);
  if (command === 'features') {
    if (values.checkpoint === undefined || values.out === undefined || files.length === 0)
      throw new UsageError(
        `'features' needs --checkpoint, --out FILE.safetensors, FILE.npy or FILE.parquet, and the paths of images or folders.`,
      );
    featureFormat(values.out);
  }
  return {
    ...options,
    command,
    recipe,
    out,
    how,
    resumes: values.resume,
    labelsFrom: labelsFrom(values),
    labelShare: values['label-share'],
    part: values.part,
    features: values.features,
    classNames: values['class-names'],
  };
}

/** @throws UsageError for what says something of labels where there is no file of them, or no folder for it */
function labelsFrom(values: OptionValues<typeof OPTIONS>): LabelsFrom | undefined {
  const { labels, data, problem, 'labels-validation': validationLabels, 'label-divider': divider } = values;
  if (labels === undefined) {
    for (const option of ['labels-validation', 'label-divider', 'problem'] as const)
      if (values[option] !== undefined)
        throw new UsageError(
          `--${option} is '${values[option]}', about a file of labels; give it with --labels.`,
        );
    return undefined;
  }
  if (data === undefined)
    throw new UsageError(`--labels is '${labels}', of pictures in a folder; give that with --data.`);
  return {
    labels,
    ...(validationLabels !== undefined && { validationLabels }),
    ...(divider !== undefined && {
      divider: divider === 'none' ? null : divider === 'space' ? ' ' : divider,
    }),
    ...(problem !== undefined && { multiLabel: problem === 'multi' }),
  };
}

function withOverrides(recipe: FinetuneRecipe, values: OptionValues<typeof OPTIONS>): FinetuneRecipe {
  const { epochs = recipe.epochs, 'image-size': imageSize = recipe.model.imageSize } = values;
  return {
    ...recipe,
    ...finetuneOverrides(values, recipe),
    model: { ...recipe.model, imageSize },
    epochs,
    // A shorter run has a shorter warm-up.
    warmupEpochs: recipe.warmupEpochs * Math.min(1, epochs / recipe.epochs),
  };
}
