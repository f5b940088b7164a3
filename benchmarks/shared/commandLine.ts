import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * The values of the options on the command line. `--help` prints `help` and ends the process; so does a mistake, which is
 * shown without a stack.
 */
export function commandLine<const O extends Options>(help: string, options: O) {
  const all = { ...options, help: { type: 'boolean', short: 'h' } } as const;
  try {
    // pnpm hands on the '--' that separates its own options.
    const args = process.argv.slice(2).filter((argument) => argument !== '--');
    const { values } = parseArgs({ args, options: all });
    if (!(values as { help?: boolean }).help) return values;
    console.log(help);
    process.exit(0);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

/**
 * The command line of a benchmark that is published: with `json` and `write`, see `PublishOptions`, of which `help` need
 * not tell.
 *
 * @param page of the documentation, where `--write` puts the table
 */
export const publishedCommandLine = <const O extends Options>(
  help: string,
  options: O,
  page = 'performance.md',
) =>
  commandLine(
    `${help}
  --json           one JSON object on stdout; progress goes to stderr
  --write          also put the results into docs/${page} and docs/performance/
  --help           this text`,
    { ...options, json: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
  );

/** Ends the process for a mistake on the command line. */
export function fail(message: string): never {
  console.error(`${message} --help tells more.`);
  process.exit(2);
}

/** A whole number of at least `least` from the command line. */
export function integer(text: string, flag: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  return fail(`--${flag} is '${text}'; expected a whole number of at least ${least}.`);
}

/** Whole numbers of at least `least`, with commas between them. */
export const integers = (text: string, flag: string, least: number): number[] =>
  text.split(',').map((one) => integer(one, flag, least));

/** One of some names from the command line. */
export function oneOf<const T extends string>(text: string, flag: string, names: readonly T[]): T {
  const found = names.find((name) => name === text);
  return found ?? fail(`--${flag} is '${text}'; expected one of ${names.join(', ')}.`);
}
