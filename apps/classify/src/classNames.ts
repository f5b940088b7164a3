import { IMAGENET1K_CLASSES } from '@beit/classification';
import { foldSpaces, readText } from '@beit/cli';
import { namesByNumber } from '@beit/weights';

/** What `--class-names` takes beside a file: the names that come with the project. */
export const IMAGENET1K = 'imagenet-1k';

/**
 * Names of classes by their numbers: `imagenet-1k`, a text file with a name in each line, or a JSON file, a list or an object
 * by number such as `id2label`.
 *
 * @throws when the file cannot be read, or is neither
 */
export async function readClassNames(from: string): Promise<readonly (string | undefined)[]> {
  if (from === IMAGENET1K) return IMAGENET1K_CLASSES.map(({ name }) => name);
  const text = await readText(from);
  if (!/^\s*[[{]/.test(text)) return text.trim().split(/\r?\n/).map(foldSpaces);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${from} begins as JSON and is none: ${(cause as Error).message}`, { cause });
  }
  return namesByNumber(json, from).map((name) => (name === undefined ? undefined : foldSpaces(name)));
}

/**
 * A name for each of `count` classes.
 *
 * @throws when there are more names than classes, or fewer lines
 */
export function namesFor(
  names: readonly (string | undefined)[] | undefined,
  count: number,
  path: string,
): readonly string[] {
  if (names && names.length > count)
    throw new Error(
      `There are ${names.length} names of classes, but ${path} has ${count} classes; give as many.`,
    );
  return Array.from({ length: count }, (_, label) => names?.[label] ?? `class ${label}`);
}

/** The same, but where names are equal each has its number behind it, so that none is lost as a key. */
export function distinct(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return names.map((name, label) => (counts.get(name) === 1 ? name : `${name} (class ${label})`));
}
