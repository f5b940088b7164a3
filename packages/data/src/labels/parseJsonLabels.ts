import { type Field, failIn, type LabelTable, shown } from './labelTable';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A table, and the classes in their order where the file lists them. */
export interface JsonLabels extends LabelTable {
  readonly classes?: readonly string[];
}

/**
 * A table of what is in a JSON text: a list of objects, `[{ "file_name": "a.jpg", "labels": ["cat"] }]`, an object by picture,
 * `{ "a.jpg": ["cat", "dog"] }`, or annotations of objects as COCO has them (a picture has the categories of its objects).
 *
 * @param path for messages
 * @throws when it is no JSON, or none of these
 */
export function parseJsonLabels(text: string, path: string): JsonLabels {
  const json = parsed(text, (reason) => {
    throw new Error(`${path} is no JSON: ${reason}`);
  });
  if (Array.isArray(json)) return tableOf(json.map(numbered), path, 'entry');
  const object = isObject(json) ? json : undefined;
  if (!object) throw new Error(`${path} is ${shown(text.trim())}; expected a list or an object of pictures.`);
  const { images, annotations, categories } = object;
  if (Array.isArray(images) && Array.isArray(annotations) && Array.isArray(categories))
    return cocoTable({ images, annotations, categories }, path);
  const fail = failIn(path, 'entry');
  const rows = Object.entries(object).map(([name, value], i) => ({
    line: i + 1,
    fields: [
      name,
      fieldOf(value) ?? fail(i + 1, `${shown(name)} has ${shown(JSON.stringify(value))}; expected labels.`),
    ],
  }));
  return { columns: ['file_name', 'labels'], rows, unit: 'entry' };
}

/**
 * The same of a text with an object in each line, as `metadata.jsonl` of Hugging Face.
 *
 * @throws with the line that is no object
 */
export function parseJsonLines(text: string, path: string): LabelTable {
  const fail = failIn(path, 'line');
  const entries = text.split('\n').flatMap((line, i): [number, Json][] => {
    const at = i + 1;
    return line.trim() === '' ? [] : [[at, parsed(line, (reason) => fail(at, `no JSON: ${reason}`))]];
  });
  return tableOf(entries, path, 'line');
}

const isObject = (json: Json | undefined): json is { readonly [key: string]: Json } =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

const numbered = (json: Json, i: number): [number, Json] => [i + 1, json];

function parsed(text: string, failed: (reason: string) => never): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    return failed((error as Error).message);
  }
}

function fieldOf(json: Json | undefined): Field {
  if (json === null || json === undefined) return '';
  if (!Array.isArray(json)) return typeof json === 'object' ? undefined : String(json);
  return json.every((item) => item !== null && typeof item !== 'object') ? json.map(String) : undefined;
}

/** Columns are all keys, in the order in which they come. */
function tableOf(entries: readonly [number, Json][], path: string, unit: LabelTable['unit']): LabelTable {
  const fail = failIn(path, unit);
  const objects = entries.map(([line, json]) => {
    if (!isObject(json))
      return fail(line, `${shown(JSON.stringify(json))}; expected an object with file_name and labels.`);
    return { line, json: new Map(Object.entries(json)) };
  });
  const columns = [...new Set(objects.flatMap(({ json }) => [...json.keys()]))];
  const rows = objects.map(({ line, json }) => ({
    line,
    fields: columns.map((key) => fieldOf(json.get(key))),
  }));
  return { columns, rows, unit };
}

/** Pictures with the names of the categories of which they have an object; those without any are pictures of none. */
function cocoTable(
  { images, annotations, categories }: Record<'images' | 'annotations' | 'categories', readonly Json[]>,
  path: string,
): JsonLabels {
  const wrong = (list: string, i: number, expected: string): never => {
    throw new Error(`${path}, ${list}[${i}]: expected an object with ${expected}.`);
  };
  const names = new Map<Json, string>();
  const sorted = categories.map((json, i) => {
    const { id, name } = isObject(json) ? json : {};
    return typeof id === 'number' && typeof name === 'string'
      ? { id, name }
      : wrong('categories', i, 'id, a number, and name');
  });
  sorted.sort((a, b) => a.id - b.id);
  for (const { id, name } of sorted) {
    if (names.has(id)) throw new Error(`${path}: two categories have the id ${id}.`);
    names.set(id, name);
  }
  const found = new Map<Json, Set<string>>();
  const files = images.map((json, i): [string, Set<string>] => {
    const { id, file_name: name } = isObject(json) ? json : {};
    if (id === undefined || typeof name !== 'string') return wrong('images', i, 'id and file_name');
    if (found.has(id)) throw new Error(`${path}: two images have the id ${JSON.stringify(id)}.`);
    const own = new Set<string>();
    found.set(id, own);
    return [name, own];
  });
  for (const [i, json] of annotations.entries()) {
    const { image_id: image, category_id: category } = isObject(json) ? json : {};
    const own = image === undefined ? undefined : found.get(image);
    const name = category === undefined ? undefined : names.get(category);
    if (!own || name === undefined)
      return wrong('annotations', i, 'image_id and category_id, of an image and a category that are listed');
    own.add(name);
  }
  return {
    columns: ['file_name', 'labels'],
    rows: files.map(([name, own], i) => ({ line: i + 1, fields: [name, [...own]] })),
    unit: 'entry',
    classes: sorted.map(({ name }) => name),
  };
}
