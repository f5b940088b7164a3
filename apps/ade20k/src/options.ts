import {
  FINETUNE_OPTIONS,
  type FinetuneOptions,
  finetuneOptions,
  finetuneOverrides,
  flag,
  modelLocation,
  modelOf,
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
  readCommand,
  readTexts,
  resolveRun,
  START_OPTIONS,
  text,
  UsageError,
  whole,
} from '@beit/cli';
import { LABEL_NUMBERS, type LabelNumbers, type SegmentationPart } from '@beit/data';
import { type SegmentRecipe, segmentRecipe } from './recipe';
import { RECIPES } from './recipes';
import { strideOf } from './segmenterFile';

export const COMMANDS = ['train', 'evaluate', 'predict', 'masks'] as const;
export type Command = (typeof COMMANDS)[number];

const part = oneCalled<SegmentationPart>({
  val: 'validation',
  validation: 'validation',
  test: 'test',
  train: 'training',
  training: 'training',
});

const OPTIONS = {
  recipe: option(
    'NAME',
    `${RECIPES.map(({ name }) => name).join(', ')}
(default: emoji); or a .json file: { "extends": "emoji", "steps": 3000 }`,
    text,
    'emoji',
  ),
  data: option(
    'DIR',
    `images and annotations in the layout of ADE20K (or of SegNet's CamVid: train, trainannot, ...), with the
names of the classes in classes.json where they are not ADE20K's (default: the scenes)`,
    path,
  ),
  labels: option(
    'KIND',
    `what the numbers of masks mean, also of those that predict writes: ade20k (0 is none, 1 the first class),
from-zero (0 is the first class, 255 none), binary (two classes, 0 and 255)
(default: found from the masks, and said; predict: as the model was trained)`,
    oneOf(LABEL_NUMBERS),
  ),
  checkpoint: option(
    'PATH',
    `what to begin with: a run, a file or a name on the Hub, pre-trained or fine-tuned to classify
(default: the newest run of pre-training)`,
    modelLocation,
  ),
  ...START_OPTIONS,
  ...outOptions('ade20k-'),
  steps: option('N', undefined, whole(1)),
  ...OVERRIDE_OPTIONS,
  palette: option(
    'FILE',
    `masks: the class of each color, { "#000000": "road", "#ffffff": null }, or of each number, { "7": "road" };
null is none`,
    path,
  ),
  part: option('NAME', "what 'evaluate' measures on: val, test or train (default: val)", part, 'validation'),
  'multi-scale': flag('evaluate and predict at six scales, and mirrored: slower, a little better'),
  whole: flag('evaluate and predict each image squeezed into one window, as transformers does: faster'),
  ...FINETUNE_OPTIONS,
};

export const HELP = `Usage: pnpm --filter ade20k start -- [command] [options]

Fine-tunes a pre-trained BEiT to name the class of every pixel, with a SETR-PUP head.

  pnpm --filter ade20k start                                    scenes of the embedded emoji, from the newest
                                                                pre-training run
  pnpm --filter ade20k start -- --recipe beit-base-setr-pup-160k --data ADEChallengeData2016 --checkpoint RUN_OR_FILE
                                                                the paper's; the folder may be your own, in the same
                                                                layout: images/training/a.jpg with
                                                                annotations/training/a.png, and validation
  pnpm --filter ade20k start -- predict --model RUN --out DIR IMAGE_OR_FOLDER
  pnpm --filter ade20k start -- evaluate --model RUN --data DIR [--part test]
  pnpm --filter ade20k start -- masks --data DIR                what is in all masks: numbers, or colors
  pnpm --filter ade20k start -- masks --data DIR --palette FILE --out DIR
                                                                writes a folder in which the colors are classes

${optionHelp(OPTIONS)}`;

export interface Options extends FinetuneOptions {
  readonly command: Command;
  readonly recipe: SegmentRecipe;
  /** What the numbers of masks mean, where the command line says it. */
  readonly labels?: LabelNumbers;
  /** Of masks. Absolute, as the path that follows. */
  readonly palette?: string;
  readonly out?: string;
  /** What a run's folder says of it beside the recipe. */
  readonly how: OptionTexts;
  /** Whether that folder holds the run, which is to continue. */
  readonly resumes: boolean;
  /** What is measured on. */
  readonly part: SegmentationPart;
  readonly multiScale: boolean;
  /** One window for a whole image. */
  readonly whole: boolean;
}

/** The command line, resolved. @throws UsageError that names the value and what was expected; `'help'` when asked for */
export async function parseOptions(args: readonly string[]): Promise<Options | 'help'> {
  const parsed = parseOptionTable(OPTIONS, args, { allowPositionals: true });
  if (parsed === 'help') return 'help';
  const { typed, positionals } = parsed;
  const { command, files } = readCommand(positionals, COMMANDS, ['predict']);
  const { values, recipe, out, how } = await resolveRun({
    trains: command === 'train',
    looks: parsed.values['dry-run'],
    asked: parsed,
    read: (texts) => readTexts(OPTIONS, texts),
    recipes: RECIPES,
    schema: segmentRecipe,
    overrides: ['steps', 'labels', ...Object.keys(OVERRIDE_OPTIONS)],
    override: withOverrides,
    begunAs,
    prefix: 'ade20k-',
  });
  const options = finetuneOptions(values, typed, files, recipe);
  const { dryRun } = options;
  const needsData = values.data === undefined && recipe.data.kind === 'folder';
  if (command === 'masks' && values.data === undefined)
    throw new UsageError(`'masks' needs --data DIR, a folder in the layout of ADE20K.`);
  if (command === 'masks' && (values.palette === undefined) !== (values.out === undefined))
    throw new UsageError(
      `'masks' takes --palette and --out together: what to turn into classes, and where to.`,
    );
  if (command !== 'masks' && values.palette !== undefined)
    throw new UsageError(`--palette is for 'masks', which writes a folder that '${command}' can take.`);
  if (needsData && command !== 'predict' && !dryRun) {
    throw new UsageError(`The recipe '${recipe.name}' needs --data DIR, a folder in the layout of ADE20K.`);
  }
  if ((command === 'evaluate' || command === 'predict') && values.model === undefined)
    throw new UsageError(`'${command}' needs --model, a run of this app or its model.safetensors.`);
  if (command === 'predict' && values.out === undefined)
    throw new UsageError(`'predict' needs --out, the folder that it writes.`);
  if (command === 'predict' && files.length === 0)
    throw new UsageError(`'predict' needs the paths of images, or of folders of images.`);
  if (
    values.labels !== undefined &&
    values.data === undefined &&
    command !== 'predict' &&
    recipe.data.kind === 'scenes'
  )
    throw new UsageError('--labels is about the masks of --data; the scenes have their own.');
  if (values['multi-scale'] && values.whole)
    throw new UsageError(`--multi-scale and --whole exclude each other.`);
  return {
    ...options,
    command,
    recipe,
    out,
    how,
    resumes: values.resume,
    labels: values.labels,
    palette: values.palette,
    part: values.part,
    multiScale: values['multi-scale'],
    whole: values.whole,
  };
}

/** What a run took from its masks, and from its checkpoint. */
function begunAs(wanted: SegmentRecipe, begun: SegmentRecipe, withCheckpoint: boolean): SegmentRecipe {
  const isFolder = wanted.data.kind === 'folder' && begun.data.kind === 'folder';
  return {
    ...wanted,
    data: isFolder ? { ...begun.data, ...wanted.data } : wanted.data,
    ...(withCheckpoint && {
      model: modelOf(wanted.model, { config: begun.model }),
      views: { ...wanted.views, normalization: begun.views.normalization },
    }),
  };
}

function withOverrides(recipe: SegmentRecipe, values: OptionValues<typeof OPTIONS>): SegmentRecipe {
  const { steps = recipe.steps, labels, 'image-size': imageSize } = values;
  const share = steps / recipe.steps;
  return {
    ...recipe,
    ...finetuneOverrides(values, recipe),
    ...(labels !== undefined && { data: { kind: 'folder', labels } as const }),
    ...(imageSize !== undefined && {
      model: { ...recipe.model, imageSize },
      views: { ...recipe.views, stride: strideOf(imageSize) },
    }),
    steps,
    // A shorter run has a shorter warm-up, and is evaluated as often.
    warmupSteps: Math.min(recipe.warmupSteps, Math.round(recipe.warmupSteps * share)),
    evaluateEvery: Math.max(1, Math.min(recipe.evaluateEvery, Math.round(recipe.evaluateEvery * share))),
  };
}
