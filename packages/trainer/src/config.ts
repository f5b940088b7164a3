/** Anything JSON: a resolved recipe. It holds what changes numbers, since a run continues only under an equal one. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/**
 * Where two configurations differ: `optimizer.weightDecay: 0.05 in the checkpoint, 0.1 now`. Empty when they agree.
 *
 * @param saver what has `saved`, in messages
 */
export function configDifferences(saved: unknown, current: unknown, saver = 'the checkpoint'): string[] {
  return differences(toJson(saved), toJson(current), '', saver);
}

/** As it comes back from a file: plain data, without undefined and -0. */
export const toJson = (value: unknown): Json => JSON.parse(JSON.stringify(value ?? null)) as Json;

function differences(
  saved: Json | undefined,
  current: Json | undefined,
  path: string,
  saver: string,
): string[] {
  if (isGroup(saved) && isGroup(current) && Array.isArray(saved) === Array.isArray(current)) {
    const keys = new Set([...Object.keys(saved), ...Object.keys(current)]);
    return [...keys].flatMap((key) =>
      differences(own(saved, key), own(current, key), path === '' ? key : `${path}.${key}`, saver),
    );
  }
  if (Object.is(saved, current)) return [];
  return [`${path || 'config'}: ${shown(saved)} in ${saver}, ${shown(current)} now`];
}

type Group = { readonly [key: string]: Json | undefined };
const isGroup = (value: Json | undefined): value is Group => typeof value === 'object' && value !== null;
const own = (group: Group, key: string) => (Object.hasOwn(group, key) ? group[key] : undefined);

function shown(value: Json | undefined): string {
  const text = value === undefined ? 'absent' : JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
