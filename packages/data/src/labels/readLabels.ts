import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import { readRegular } from '../files/regularFile';
import { type Part, partCalled } from '../sources/folderParts';
import { divideLabels, findDivider, type LabelDivider } from './divideLabels';
import { flagOf, isPlural, type LabelColumns, labelColumns } from './labelColumns';
import { failIn, type LabelTable, listed, shown } from './labelTable';
import { parseCsv } from './parseCsv';
import { type JsonLabels, parseJsonLabels, parseJsonLines } from './parseJsonLabels';

/** One picture of a file of labels. */
export interface LabelledName {
  /** As it stands there. */
  readonly name: string;
  /** Each once; of none empty. */
  readonly labels: readonly string[];
  readonly part?: Part;
  /** Where it stands; see `LabelTable`. */
  readonly line: number;
}

/** What a file says of pictures. */
export interface LabelsFile {
  readonly path: string;
  readonly unit: LabelTable['unit'];
  readonly images: readonly LabelledName[];
  /** All classes in their order, where the file has one: columns of 0 and 1, categories of COCO. */
  readonly classes?: readonly string[];
  /** SHA-256 of its bytes. */
  readonly digest: string;
  /** How it was read, for people: sentences. */
  readonly notes: readonly string[];
}

export interface ReadLabelsOptions {
  /** What stands between the labels of a picture; null: nothing does, there is one. Default: what `findDivider` finds. */
  readonly divider?: string | null;
}

/** Larger texts would not fit into one string with what is made of them. */
const MOST_BYTES = 256 * 2 ** 20;
const MOST_LABEL = 200;

/**
 * Labels of pictures from a CSV or TSV file with a header (`labelColumns` says which column is which), from JSON
 * (`parseJsonLabels`), or JSON Lines. It is read as data.
 *
 * @throws when it cannot be read, or is none of these: the error names file, line and value
 */
export async function readLabels(path: string, { divider }: ReadLabelsOptions = {}): Promise<LabelsFile> {
  const bytes = await bytesOf(path);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const table = tableOf(textOf(bytes, path), path);
  const fail = failIn(path, table.unit);
  if (table.rows.length === 0) throw new Error(`${path} names no picture.`);
  const columns = labelColumns(table, path);
  const { labelsOf, how } = labelReader(table, columns, divider, path);
  const seen = new Map<string, number>();
  const images = table.rows.map((row): LabelledName => {
    const { line, fields } = row;
    const name = fields[columns.image];
    if (typeof name !== 'string' || name === '') return fail(line, 'there is no name of a picture.');
    if (name.includes('\0')) fail(line, `${shown(name)} is no path.`);
    const before = seen.get(name);
    if (before !== undefined)
      fail(
        line,
        `${shown(name)} stands in ${table.unit} ${before} too; expected one with all of its labels.`,
      );
    seen.set(name, line);
    const labels = labelsOf(fields, (message) => fail(line, message));
    const long = labels.find((label) => label.length > MOST_LABEL);
    if (long !== undefined)
      fail(line, `the label ${shown(long)} has ${long.length} characters; expected ${MOST_LABEL} at most.`);
    if (columns.part === undefined) return { name, labels, line };
    const said = String(fields[columns.part]);
    const part = partCalled(said);
    if (part === undefined)
      return fail(
        line,
        `${shown(table.columns[columns.part]!)} is ${shown(said)}; expected train, val or test.`,
      );
    return { name, labels, part, line };
  });
  const others = columns.others.map((column) => table.columns[column]!);
  const part = columns.part === undefined ? '' : `, parts in ${shown(table.columns[columns.part]!)}`;
  const notes = [
    `${path}: pictures are in ${shown(table.columns[columns.image]!)}, ${how}${part}.` +
      (others.length > 0 ? ` Not read: ${listed(others)}.` : ''),
  ];
  const classes =
    table.classes ??
    ('classes' in columns.labels ? columns.labels.classes.map((i) => table.columns[i]!) : undefined);
  assertDistinct(classes ?? [], path);
  return { path, unit: table.unit, images, digest, notes, ...(classes && { classes }) };
}

function assertDistinct(classes: readonly string[], path: string): void {
  const seen = new Set<string>();
  for (const name of classes) {
    if (seen.has(name)) throw new Error(`${path} has the class ${shown(name)} twice.`);
    seen.add(name);
  }
}

const bytesOf = (path: string): Promise<Buffer> =>
  readRegular(path, MOST_BYTES).catch((cause: Error) => {
    throw new Error(`Cannot read the labels: ${cause.message}`, { cause });
  });

function textOf(bytes: Buffer, path: string): string {
  try {
    // Also takes away a byte order mark.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`${path} is no text in UTF-8; save it as that.`);
  }
}

function tableOf(text: string, path: string): JsonLabels {
  const ending = extname(path).toLowerCase();
  if (['.jsonl', '.ndjson'].includes(ending)) return parseJsonLines(text, path);
  return ending === '.json' || /^\s*[[{]/.test(text) ? parseJsonLabels(text, path) : parseCsv(text, path);
}

type Fields = LabelTable['rows'][number]['fields'];

interface LabelReader {
  labelsOf(fields: Fields, fail: (message: string) => never): readonly string[];
  /** For people. */
  readonly how: string;
}

function labelReader(
  { columns, rows }: LabelTable,
  { labels }: LabelColumns,
  asked: string | null | undefined,
  path: string,
): LabelReader {
  if ('classes' in labels) {
    const names = labels.classes.map((i) => columns[i]!);
    const isEmpty = rows.some(({ fields }) => labels.classes.some((i) => fields[i] === ''));
    return {
      labelsOf: (fields) => names.filter((_, i) => flagOf(fields[labels.classes[i]!])),
      how: `columns of 0 and 1 are the classes (${listed(names, 20)})${isEmpty ? ' (empty fields are 0)' : ''}`,
    };
  }
  const { column } = labels;
  const title = columns[column]!;
  const values = rows.flatMap(({ fields }) => fields[column] ?? []).map(wholeNumber);
  assertNoMeasures(values, `${path}, ${shown(title)}`);
  const texts = rows.flatMap(({ fields }) => (typeof fields[column] === 'string' ? fields[column] : []));
  const divider: LabelDivider =
    asked === undefined ? findDivider(texts, isPlural(title)) : (asked ?? undefined);
  const example = texts.find((value) => divideLabels(value, divider).length > 1);
  const spaced = texts.find((value) => /[ ,]/.test(value));
  const said =
    divider !== undefined && example !== undefined
      ? `, divided by ${divider === ' ' ? 'spaces' : shown(divider)} (${shown(example)})`
      : spaced !== undefined
        ? `, not divided (${shown(spaced)} is one)`
        : '';
  return {
    labelsOf(fields, fail) {
      const field = fields[column];
      if (field === undefined) return fail(`${shown(title)} is no label and no list of them.`);
      if (typeof field !== 'string')
        return [...new Set(field.flatMap((label) => divideLabels(label, undefined)))];
      if (/^\[.*\]$/.test(field))
        fail(`${shown(title)} is ${shown(field)}, a list; divide labels by |, or write a file in JSON.`);
      return divideLabels(field, divider).map(wholeNumber);
    },
    how: `labels in ${shown(title)}${said}`,
  };
}

/** What pandas writes of whole numbers in a column that had gaps. */
const wholeNumber = (label: string) => label.replace(/^(\d+)\.0+$/, '$1');

/** Numbers with fractions are something to predict, and would be as many classes. */
function assertNoMeasures(values: readonly string[], where: string): void {
  const said = values.filter((value) => value !== '');
  const isNumber = (value: string) => Number.isFinite(Number(value));
  const fraction = said.find((value) => isNumber(value) && !Number.isInteger(Number(value)));
  if (fraction !== undefined && said.every(isNumber))
    throw new Error(
      `${where} has numbers such as ${shown(fraction)}; expected classes: numbers are not predicted here.`,
    );
}
