import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { integer, oneOf, publishedCommandLine } from './commandLine';
import { WARM_UP_STEPS } from './stepRun';

interface StepCommand {
  /** How it is called and what it measures. */
  readonly about: string;
  /** Options of its own, by name: what the help says, and the default. */
  readonly own: Readonly<Record<string, { readonly help: string; readonly default: string }>>;
  /** Who can take part. */
  readonly names: readonly string[];
  readonly steps: number;
  readonly rounds: number;
}

/** For those that have peers in Python. */
export const PYTHON_OPTION = {
  python: { help: 'the Python that makes the virtual environment of the peers', default: 'python3' },
};

/** For those in which an earlier version of the project can take part. */
export const AGAINST_OPTION = {
  against: {
    help: 'folder of another checkout of this project, installed, whose engines take part as "before"',
    default: 'none',
  },
};

/** Options that are told of only where they are given. */
const SELDOM = new Set(['together', 'engines', 'against']);

/**
 * The command line of a benchmark of steps: its own options as they are written, and those that all have.
 */
export function stepCommandLine({ about, own, names, steps, rounds }: StepCommand) {
  const described = {
    ...own,
    steps: {
      help: `steps of a process, the first ${WARM_UP_STEPS} of which are told apart`,
      default: `${steps}`,
    },
    rounds: { help: 'how often every competitor is started', default: `${rounds}` },
    together: {
      help: 'of one precision, how many take turns step by step; all of them are in memory then',
      default: '5',
    },
    engines: { help: `some of ${names.join(', ')}`, default: 'all' },
    threads: { help: 'of every competitor', default: `${availableParallelism()}` },
  };
  const lines = Object.entries(described).map(
    ([name, option]) => `  --${name.padEnd(14)} ${option.help} (default: ${option.default})`,
  );
  const help = `${about}

${lines.join('\n')}`;
  const texts = Object.entries(described).map(
    ([name, option]) => [name, { type: 'string', default: option.default }] as const,
  );
  const values = publishedCommandLine(help, {
    ...(Object.fromEntries(texts) as Record<string, { type: 'string'; default: string }>),
  }) as Readonly<Record<string, string>> & { readonly json: boolean; readonly write: boolean };
  const given = Object.entries(described).filter(
    ([name, option]) => name !== 'python' && (!SELDOM.has(name) || values[name] !== option.default),
  );
  const chosen = values.engines === 'all' ? names : values.engines!.split(',');
  return {
    own: values,
    /** As on a command line that measures the same. */
    options: given.map(([name]) => `--${name} ${values[name]}`).join(' '),
    steps: integer(values.steps!, 'steps', WARM_UP_STEPS + 1),
    rounds: integer(values.rounds!, 'rounds', 1),
    together: integer(values.together!, 'together', 1),
    threads: integer(values.threads!, 'threads', 1),
    before: (values.against ?? 'none') === 'none' ? undefined : resolve(values.against!),
    chosen: chosen.map((name) => oneOf(name, 'engines', names)),
    publishing: { json: values.json, write: values.write },
  };
}
