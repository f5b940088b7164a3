import type { Random } from '@beit/random';
import { oneOf } from '../oneOf';

const STRANGE: readonly unknown[] = [0, -1, 0.5, 1e9, 1e300, 'NaN', '', 'text', null, [], {}, true];

/** What was changed of JSON. */
export interface ChangedJson {
  readonly value: unknown;
  /** The keys that have other values, or were taken away, added or called otherwise, and those that these stand under. */
  readonly keys: readonly string[];
}

type Holder = Record<string, unknown>;
const isHolder = (value: unknown): value is Holder => typeof value === 'object' && value !== null;

/** A value within an object or a list. */
interface Place {
  readonly holder: Holder;
  readonly key: string;
  /** The key, or of an item that of the list. */
  readonly name: string;
  /** The one that it stands under; empty at the top. */
  readonly above: string;
}

/**
 * JSON of which one to four values, leaves or whole branches, are others: replaced, taken away, called otherwise, one level
 * deeper, or unknown ones beside them.
 */
export function changeJson(whole: unknown, random: Random): ChangedJson {
  const value = structuredClone(whole);
  const keys: string[] = [];
  for (let changes = random.integer(1, 4); changes > 0; changes--) {
    const places = placesIn(value);
    if (places.length === 0) break;
    const place = oneOf(random, places);
    keys.push(...change(place, random), ...(place.above === '' ? [] : [place.above]));
  }
  return { value, keys };
}

const placesIn = (value: unknown, within = { name: '', above: '' }): Place[] =>
  isHolder(value)
    ? Object.keys(value).flatMap((key) => {
        const names = Array.isArray(value) ? within : { name: key, above: within.name };
        return [{ holder: value, key, ...names }, ...placesIn(value[key], names)];
      })
    : [];

/** @returns the keys that it concerns */
function change({ holder, key, name }: Place, random: Random): string[] {
  const isList = Array.isArray(holder);
  const remove = () => (isList ? holder.splice(Number(key), 1) : delete holder[key]);
  const kind = random.uniform();
  if (kind < 0.6) holder[key] = oneOf(random, STRANGE);
  else if (kind < 0.7) remove();
  else if (kind < 0.8) holder[key] = random.uniform() < 0.5 ? [holder[key]] : { [name]: holder[key] };
  else {
    const other = oneOf(random, [`${name}s`, name.toUpperCase(), '__proto__', 'constructor', '']);
    const value = holder[key];
    if (kind < 0.9) remove();
    if (isList) holder.push(value);
    else
      Object.defineProperty(holder, other, { value, enumerable: true, configurable: true, writable: true });
    return [name, other];
  }
  return [name];
}
