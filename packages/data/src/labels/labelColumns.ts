import { type Field, failIn, type LabelTable, listed, shown } from './labelTable';

/** Which columns of a table say what. */
export interface LabelColumns {
  readonly image: number;
  /** Of the part of the data set. */
  readonly part?: number;
  /** One column of labels, or one of 0 and 1 for each class. */
  readonly labels: { readonly column: number } | { readonly classes: readonly number[] };
  /** Those that say nothing here. */
  readonly others: readonly number[];
}

/** As people call them, the surest first; of `Image Index`, `image_index` and `ImageIndex` one form. */
const IMAGE = [
  ...['filename', 'filepath', 'imagepath', 'imagename', 'imagefile', 'imageindex', 'path'],
  ...['image', 'img', 'imageid', 'file', 'id'],
];
const PART = ['split', 'part', 'subset'];
const ONE = ['label', 'tag', 'class', 'classname', 'labelname', 'category', 'target'];
const SEVERAL = ['labels', 'tags', 'classes', 'categories', 'targets', 'findinglabels'];

const canonical = (column: string) => column.toLowerCase().replace(/[\s_-]/g, '');

/** Whether the name of a column speaks of more than one label. */
export const isPlural = (column: string): boolean => SEVERAL.includes(canonical(column));

/**
 * Finds the columns of pictures, parts and labels, by their names; where no name says which has the labels, it is the only
 * one that is left, or those of 0 and 1 are classes.
 *
 * @param path for messages
 * @throws when there are several for one thing, or none
 */
export function labelColumns({ columns, rows, unit }: LabelTable, path: string): LabelColumns {
  const names = columns.map(canonical);
  const only = (known: readonly string[], what: string): number | undefined => {
    const found = names.flatMap((name, column) => (known.includes(name) ? [column] : []));
    if (found.length > 1)
      throw new Error(
        `${path} has several columns of ${what}: ${listed(found.map((column) => columns[column]!))}; expected one.`,
      );
    return found[0];
  };
  const byName = IMAGE.map((name) => names.indexOf(name)).find((column) => column !== -1);
  // Without a name it is where pandas writes its index.
  const image = byName ?? names.findIndex((name) => name !== '');
  if (image === -1) throw new Error(`${path} has no names of columns; expected e.g. file_name,label.`);
  if (byName === undefined && /\.(jpe?g|png|webp|gif|tiff?|bmp)$/i.test(columns[image]!))
    throw new Error(
      `${path} begins with ${shown(columns[image]!)}, a picture; expected a header such as file_name,label.`,
    );
  const part = only(PART, 'parts');
  const column = only([...ONE, ...SEVERAL], 'labels');
  const free = columns.flatMap((name, i) => (i === image || i === part || name === '' ? [] : [i]));
  const chosen = (labels: LabelColumns['labels'], used: readonly number[]): LabelColumns => ({
    image,
    part,
    labels,
    others: free.filter((i) => !used.includes(i)),
  });
  if (column !== undefined) return chosen({ column }, [column]);
  if (free.length === 1) return chosen({ column: free[0]! }, free);
  const classes = free.filter((i) => isClass(rows.map(({ fields }) => fields[i])));
  if (classes.length < 2)
    throw new Error(
      `${path} has no column that is called labels, and no two or more of 0 and 1: ${listed(free.map((i) => columns[i]!))}. ` +
        "Call the one with the labels 'labels'.",
    );
  const fail = failIn(path, unit);
  for (const { line, fields } of rows)
    for (const i of classes)
      if (flagOf(fields[i]) === undefined)
        fail(
          line,
          `${shown(columns[i]!)} is ${shown(String(fields[i]))}; expected 0 or 1 (empty: 0). What is uncertain has to be decided first.`,
        );
  return chosen({ classes }, classes);
}

/** Whether a class is there. */
export function flagOf(field: Field): boolean | undefined {
  if (typeof field !== 'string') return undefined;
  if (/^(1(\.0*)?|true)$/i.test(field)) return true;
  return /^(0(\.0*)?|false|)$/i.test(field) ? false : undefined;
}

/** Most of what is said is 0 or 1: then another value is a mistake, else the column is about something else. */
function isClass(fields: readonly Field[]): boolean {
  const said = fields.filter((field) => field !== '');
  return said.length > 0 && said.filter((field) => flagOf(field) !== undefined).length > said.length / 2;
}
