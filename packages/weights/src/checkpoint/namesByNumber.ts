import { isJsonObject } from './readJson';

/** Numbers of classes have at most so many digits. */
const NUMBER = /^\d{1,6}$/;

/**
 * Names of classes from JSON: a list, or an object with the numbers of classes as keys, of which some may be left out.
 *
 * @param what for the message, at the beginning of a sentence
 * @returns undefined where a number has no name
 * @throws Error for anything else
 */
export function namesByNumber(json: unknown, what: string): (string | undefined)[] {
  const entries = Array.isArray(json) || isJsonObject(json) ? Object.entries(json) : undefined;
  const names: (string | undefined)[] = [];
  for (const [key, name] of entries ?? []) {
    if (!NUMBER.test(key) || typeof name !== 'string')
      throw new Error(
        `${what}: class ${key} is ${JSON.stringify(name)}; expected a text for a number from 0.`,
      );
    names[Number(key)] = name;
  }
  if (names.length === 0)
    throw new Error(
      `${what}: expected a list of names, or an object that has them by number; got ${JSON.stringify(json)?.slice(0, 100)}.`,
    );
  return Array.from(names);
}
