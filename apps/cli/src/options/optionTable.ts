/**
 * The options of a command, each declared once: the parser, the types of the values and the help come from the table. On
 * `parseArgs` of Node, which splits the command line; what libraries add to it, messages and help of their own form, would
 * have to be replaced.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
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
  const types = entries.map(([name, { placeholder }]) => [
    name,
    { type: placeholder === undefined ? 'boolean' : 'string', multiple: true } as const,
  ]);
  const { values, positionals } = split(
    args,
    { ...Object.fromEntries(types), help: { type: 'boolean', short: 'h' } },
    allowPositionals,
  );
  if (values.help) return 'help';
  const texts = (name: string) => [values[name] ?? []].flat().map(String);
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

/** What `parseArgs` complains of is a mistake on the command line. */
function split(
  args: readonly string[],
  options: NonNullable<ParseArgsConfig['options']>,
  allowPositionals: boolean,
) {
  try {
    return parseArgs({ args: ownArguments(args), options, allowPositionals });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
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
