import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  ENGINE_ARGUMENTS,
  ENGINE_HELP,
  type EngineOptions,
  engineOptions,
  integer,
  ownArguments,
  parsed,
  typedIn,
  UsageError,
} from '@beit/apps-shared';

export const COMMANDS = ['figure', 'measure'] as const;
export type Command = (typeof COMMANDS)[number];

export const HELP = `Usage: pnpm --filter attention start -- [command] [options]

What a BEiT's self-attention looks at: the last figure of the paper, and how well heads tell objects apart.

  pnpm --filter attention start                                 the newest pre-training run, on scenes of emoji that it
                                                                has not seen; points on their objects
  pnpm --filter attention start -- --checkpoint RUN_OR_FILE --images photo.jpg --points 11,13 --points 20,8 --size 480
  pnpm --filter attention start -- measure --checkpoint RUN     area under the ROC curve of "the same object", by the
                                                                attention, for every head, on scenes with true masks

  --checkpoint PATH       a run, an official file, a folder of transformers, timm's (default: the newest pre-training run)
  --images FILE           a picture; may be given several times (default: scenes of emoji)
  --points ROW,COLUMN     a patch, counted from 0; may be given several times; for all pictures (default: on the objects,
                          or the middle of a picture)
  --size N                pixels along a side, a multiple of the patch size (default: the model's; the paper's figure: 480)
  --block N               whose attention is shown, counted from 1 (default: the last)
  --scenes N              scenes of emoji: 4 in the figure, 200 to measure
  --out DIR               where the results are written (default: attention beside the run's other files)
${ENGINE_HELP}
  --quiet                 no progress
  --help                  this text`;

export type Point = readonly [row: number, column: number];

export interface Options {
  readonly command: Command;
  /** Absolute paths, as all of them. */
  readonly checkpoint?: string;
  readonly images: readonly string[];
  readonly points: readonly Point[];
  readonly size?: number;
  /** 1-based. */
  readonly block?: number;
  readonly scenes: number;
  readonly out?: string;
  readonly engine: EngineOptions;
  readonly quiet: boolean;
}

const SCENES = { figure: 4, measure: 200 } as const;

/** The command line, resolved. @throws UsageError that names the value and what was expected; `'help'` when asked for */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const { values, positionals } = parsed(() => parse(args));
  if (values.help) return 'help';
  const [first = 'figure', extra] = positionals;
  const command = COMMANDS.find((name) => name === first);
  if (!command) throw new UsageError(`There is no command '${first}'. Commands: ${COMMANDS.join(', ')}.`);
  if (extra !== undefined)
    throw new UsageError(`'${extra}' is too much; expected options after '${command}'.`);
  const images = values.images ?? [];
  if (command === 'measure' && images.length > 0)
    throw new UsageError(`'measure' needs true masks, which --images do not have.`);
  if (images.length > 0 && values.scenes !== undefined)
    throw new UsageError('--scenes are shown where there are no --images; give one.');
  const path = (value: string) => resolve(typedIn(), value);
  const whole = (flag: 'size' | 'block' | 'scenes') =>
    values[flag] === undefined ? undefined : integer(values[flag], flag, 1);
  return {
    command,
    checkpoint: values.checkpoint === undefined ? undefined : path(values.checkpoint),
    images: images.map(path),
    points: (values.points ?? []).map(pointOf),
    size: whole('size'),
    block: whole('block'),
    scenes: whole('scenes') ?? SCENES[command],
    out: values.out === undefined ? undefined : path(values.out),
    engine: engineOptions(values),
    quiet: values.quiet ?? false,
  };
}

function pointOf(text: string): Point {
  const found = /^(\d{1,6}),(\d{1,6})$/.exec(text.trim());
  if (!found) throw new UsageError(`--points is '${text}'; expected ROW,COLUMN, such as 11,13.`);
  return [Number(found[1]), Number(found[2])];
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: ownArguments(args),
    allowPositionals: true,
    options: {
      checkpoint: { type: 'string' },
      images: { type: 'string', multiple: true },
      points: { type: 'string', multiple: true },
      size: { type: 'string' },
      block: { type: 'string' },
      scenes: { type: 'string' },
      out: { type: 'string' },
      ...ENGINE_ARGUMENTS,
      quiet: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
