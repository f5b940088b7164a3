/** A text, several of them, or undefined for what is neither. */
export type Field = string | readonly string[] | undefined;

export interface LabelRow {
  /** Where it is in the file, from 1. */
  readonly line: number;
  /** One for each column. */
  readonly fields: readonly Field[];
}

/** What stands in a file of labels, whatever its form: one row for each picture. */
export interface LabelTable {
  readonly columns: readonly string[];
  readonly rows: readonly LabelRow[];
  /** What `line` counts: lines of text, or entries of one JSON value. */
  readonly unit: 'line' | 'entry';
}

/** @throws an error about a place in a file of labels, which the caller's message follows */
export type Fail = (line: number, message: string) => never;

export const failIn =
  (path: string, unit: LabelTable['unit']): Fail =>
  (line, message) => {
    throw new Error(`${path}, ${unit} ${line}: ${message}`);
  };

/** A value in a message: what is long is cut. */
export const shown = (value: string): string => `'${value.length > 60 ? `${value.slice(0, 57)}...` : value}'`;

/** Some of many, for a message. */
export const listed = (values: readonly string[], most = 5): string =>
  values.slice(0, most).map(shown).join(', ') +
  (values.length > most ? `, and ${values.length - most} more` : '');
