import {
  ENGINE_OPTIONS,
  type EngineOptions,
  engineOptions,
  flag,
  imageSize,
  modelLocation,
  option,
  optionHelp,
  parseOptionTable,
  path,
  type Reader,
  readCommand,
  repeatable,
  UsageError,
  whole,
} from '@beit/cli';
import type { ImageSize } from '@beit/tensors';

export const COMMANDS = ['figure', 'measure'] as const;
export type Command = (typeof COMMANDS)[number];

export type Point = readonly [row: number, column: number];

const point: Reader<Point> = (text, flag) => {
  const found = /^(\d{1,6}),(\d{1,6})$/.exec(text.trim());
  if (!found) throw new UsageError(`--${flag} is '${text}'; expected ROW,COLUMN, such as 11,13.`);
  return [Number(found[1]), Number(found[2])];
};

const SCENES = { figure: 4, measure: 200 } as const;

const OPTIONS = {
  checkpoint: option(
    'PATH',
    `a run, an official file, a folder of transformers, timm's, a name on the Hub (default: the
newest pre-training run)`,
    modelLocation,
  ),
  heads: option('N', 'attention heads of --checkpoint, where the file does not tell', whole(1)),
  images: repeatable('FILE', 'a picture; may be given several times (default: scenes of emoji)', path),
  points: repeatable(
    'ROW,COLUMN',
    `a patch, counted from 0; may be given several times; for all pictures (default: on the objects,
or the middle of a picture)`,
    point,
  ),
  size: option(
    'SIZE',
    `what pictures are brought to, pixels: the side of a square, or HEIGHT,WIDTH, the height first;
multiples of the patch size (default: the model's; the paper's figure: 480)`,
    imageSize,
  ),
  whole: flag(`nothing of a picture is cut off, and its proportions stay: --size is that of the shorter side,
the longer one is rounded to whole patches`),
  block: option('N', 'whose attention is shown, counted from 1 (default: the last)', whole(1)),
  scenes: option(
    'N',
    `scenes of emoji: ${SCENES.figure} in the figure, ${SCENES.measure} to measure`,
    whole(1),
  ),
  out: option('DIR', "where the results are written (default: attention beside the run's other files)", path),
  ...ENGINE_OPTIONS,
  quiet: flag('no progress'),
};

export const HELP = `Usage: pnpm --filter attention start -- [command] [options]

What a BEiT's self-attention looks at: the last figure of the paper, and how well heads tell objects apart.

  pnpm --filter attention start                                 the newest pre-training run, on scenes of emoji that it
                                                                has not seen; points on their objects
  pnpm --filter attention start -- --checkpoint RUN_OR_FILE --images photo.jpg --points 11,13 --points 20,8 --size 480
  pnpm --filter attention start -- --checkpoint RUN_OR_FILE --images street.jpg --whole
  pnpm --filter attention start -- measure --checkpoint RUN     area under the ROC curve of "the same object", by the
                                                                attention, for every head, on scenes with true masks

${optionHelp(OPTIONS)}`;

export interface Options {
  readonly command: Command;
  /** An absolute path, as all of them, or behind `hf:` a name on the Hub. */
  readonly checkpoint?: string;
  readonly heads?: number;
  readonly images: readonly string[];
  readonly points: readonly Point[];
  readonly size?: ImageSize;
  /** Every picture is shown as a whole, in its own proportions; `size`, if given, is a number then. */
  readonly whole: boolean;
  /** 1-based. */
  readonly block?: number;
  readonly scenes: number;
  readonly out?: string;
  readonly engine: EngineOptions;
  readonly quiet: boolean;
}

/** The command line, resolved. @throws UsageError that names the value and what was expected; `'help'` when asked for */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const parsed = parseOptionTable(OPTIONS, args, { allowPositionals: true });
  if (parsed === 'help') return 'help';
  const { values, positionals } = parsed;
  const { command } = readCommand(positionals, COMMANDS);
  const { checkpoint, heads, images, points, size, whole, block, scenes, out, quiet } = values;
  if (command === 'measure' && images.length > 0)
    throw new UsageError(`'measure' needs true masks, which --images do not have.`);
  if (images.length > 0 && scenes !== undefined)
    throw new UsageError('--scenes are shown where there are no --images; give one.');
  if (whole && images.length === 0)
    throw new UsageError('--whole is how --images are shown, and there are none: give one, or leave it out.');
  if (whole && typeof size === 'object')
    throw new UsageError(
      `--size is '${size.join(',')}'; with --whole expected one number, of the shorter side: the other follows from the picture.`,
    );
  return {
    command,
    checkpoint,
    heads,
    images,
    points,
    size,
    whole,
    block,
    scenes: scenes ?? SCENES[command],
    out,
    engine: engineOptions(values),
    quiet,
  };
}
