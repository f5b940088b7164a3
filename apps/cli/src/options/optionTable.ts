/**
 * The options of a command, each declared once: the parser, the types of the values and the help come from the table. On
 * `parseArgs` of Node, which splits the command line; what libraries add to it, messages and help of their own form, would
 * have to be replaced.
 */
import { parseArgs } from 'node:util';
import { UsageError } from '../commandLine';
import type { Reader } from './optionReaders';

/** An option of the command line, under its name in a table. */
export interface Option<T> {
  /** What stands for its value in the help; undefined: it has none. */
  readonly placeholder?: string;
  /** Lines; undefined: the help of the next option is for this one too. */
  readonly help?: string;
  /** @param texts one for each time that it is given */
  valueOf(texts: readonly string[], flag: string): T;
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>;
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer T> ? T : never;
};

/** One value; the last where it is given several times. A default is told at the end of the help, unless the help tells of one. */
export function option<T>(
  placeholder: string,
  help: string | undefined,
  read: Reader<T>,
): Option<T | undefined>;
export function option<T>(
  placeholder: string,
  help: string,
  read: Reader<T>,
  otherwise: NoInfer<T>,
): Option<T>;
export function option<T>(
  placeholder: string,
  help: string | undefined,
  read: Reader<T>,
  otherwise?: T,
): Option<T | undefined> {
  const isTold = otherwise === undefined || help?.includes('default');
  return {
    placeholder,
    help: isTold ? help : `${help} (default: ${otherwise})`,
    valueOf(texts, flag) {
      const last = texts.at(-1);
      return last === undefined ? otherwise : read(last, flag);
    },
  };
}

/** As many values as are given. */
export const repeatable = <T>(placeholder: string, help: string, read: Reader<T>): Option<readonly T[]> => ({
  placeholder,
  help,
  valueOf: (texts, flag) => texts.map((text) => read(text, flag)),
});

/** Given or not. */
export const flag = (help: string): Option<boolean> => ({ help, valueOf: (texts) => texts.length > 0 });

export interface ParsedOptions<Table extends OptionTable> {
  readonly values: OptionValues<Table>;
  /** The same as they were typed; of one without a value `true`. */
  readonly typed: { readonly [Name in keyof Table]?: string };
  readonly positionals: readonly string[];
}

/** What options were given, each as text; the last where one was given several times. */
export type OptionTexts = Readonly<Record<string, string | undefined>>;

/** The values of options that were not typed here but kept. @throws UsageError, what their readers throw */
export const readTexts = <Table extends OptionTable>(table: Table, texts: OptionTexts): OptionValues<Table> =>
  Object.fromEntries(
    Object.entries(table).map(([name, option]) => [
      name,
      option.valueOf(texts[name] === undefined ? [] : [texts[name]], name),
    ]),
  ) as OptionValues<Table>;

/** @throws UsageError for options that are not in the table, and what their readers throw; `'help'` when asked for */
export function parseOptionTable<Table extends OptionTable>(
  table: Table,
  args: readonly string[],
  { allowPositionals = false } = {},
): ParsedOptions<Table> | 'help' {
  const entries = Object.entries(table);
  const split = splitArguments({ ...table, help: flag('this text') }, args);
  if (split.texts.has('help')) return 'help';
  const positionals = split.positionals;
  if (!allowPositionals && positionals.length > 0)
    throw new UsageError(`'${positionals[0]}' is too much; expected options.`);
  const texts = (name: string) => split.texts.get(name) ?? [];
  return {
    values: Object.fromEntries(
      entries.map(([name, option]) => [name, option.valueOf(texts(name), name)]),
    ) as OptionValues<Table>,
    typed: Object.fromEntries(entries.map(([name]) => [name, texts(name).at(-1)])) as {
      [Name in keyof Table]?: string;
    },
    positionals,
  };
}

interface SplitArguments {
  /** Of each option that was given, one for each time; of one without a value `true`. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

/** @throws UsageError for an option that is not in the table, lacks its value, or has one that it does not take */
function splitArguments(table: OptionTable, args: readonly string[]): SplitArguments {
  const types = Object.entries(table).map(([name, { placeholder }]) => [
    name,
    {
      type: placeholder === undefined ? 'boolean' : 'string',
      ...(name === 'help' && { short: 'h' }),
    } as const,
  ]);
  // Node's own messages name neither what was expected nor where there is more.
  const { tokens } = parseArgs({
    args: ownArguments(args),
    options: Object.fromEntries(types),
    strict: false,
    tokens: true,
  });
  const texts = new Map<string, readonly string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const placeholder = Object.hasOwn(table, name) ? table[name]?.placeholder : undefined;
    if (!Object.hasOwn(table, name)) throw new UsageError(`There is no option ${rawName}.`);
    if (placeholder === undefined && value !== undefined)
      throw new UsageError(`${rawName} is '${value}'; expected no value.`);
    if (placeholder !== undefined && value === undefined)
      throw new UsageError(`${rawName} has no value; expected ${rawName} ${placeholder}.`);
    // The next option, far more often than a value that begins with a dash.
    if (value !== undefined && !inlineValue && /^-./.test(value))
      throw new UsageError(
        `${rawName} has no value before ${value}; expected ${rawName} ${placeholder}, or ${rawName}=${value}.`,
      );
    texts.set(name, [...(texts.get(name) ?? []), value ?? 'true']);
  }
  return { texts, positionals };
}

/** pnpm hands on the '--' that separates its own options. */
export const ownArguments = (args: readonly string[]): string[] =>
  args.filter((argument) => argument !== '--');

/** @param column where what an option does begins */
export function optionHelp(table: OptionTable, column = 26): string {
  const indent = `\n${' '.repeat(column)}`;
  let names: string[] = [];
  const lines: string[] = [];
  for (const [name, { placeholder, help }] of Object.entries({ ...table, help: flag('this text') })) {
    names.push(placeholder === undefined ? `--${name}` : `--${name} ${placeholder}`);
    if (help === undefined) continue;
    const label = `  ${names.join(', ')}`;
    const text = help.replaceAll('\n', indent);
    lines.push(label.length < column ? label.padEnd(column) + text : label + indent + text);
    names = [];
  }
  return lines.join('\n');
}
