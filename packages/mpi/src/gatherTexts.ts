import type { Communicator } from './communicator';

/** Everywhere the texts of all ranks, in their order. */
export async function gatherTexts(communicator: Communicator, text: string): Promise<string[]> {
  const own = new TextEncoder().encode(text);
  const longest = Int32Array.of(own.length);
  await communicator.allReduce(longest, 'max');
  const lengths = await communicator.allGather(Int32Array.of(own.length));
  const padded = new Uint8Array(longest[0]!);
  padded.set(own);
  const all = await communicator.allGather(padded);
  return Array.from(lengths, (length, rank) =>
    new TextDecoder().decode(all.subarray(rank * padded.length, rank * padded.length + length)),
  );
}

/**
 * Refuses a job whose processes do not have the same: a version, a recipe, a data set.
 *
 * @param facts by name; compared as JSON
 * @throws everywhere, with the ranks that differ from rank 0 and what in
 */
export async function assertAgreement(
  communicator: Communicator,
  facts: Readonly<Record<string, unknown>>,
): Promise<void> {
  const all = (await gatherTexts(communicator, JSON.stringify(facts))).map(
    (text) => new Map(leavesOf(JSON.parse(text))),
  );
  const [first, ...others] = all;
  const differences = others.flatMap((other, i) =>
    [...new Set([...first!.keys(), ...other.keys()])]
      .filter((path) => other.get(path) !== first!.get(path))
      .map(
        (path) => `rank ${i + 1}: ${path} is ${valueAt(other, path)}; rank 0 has ${valueAt(first!, path)}`,
      ),
  );
  if (differences.length === 0) return;
  const shown = differences.slice(0, MOST);
  const rest = differences.length - shown.length;
  throw new Error(
    `The processes of this job do not agree:\n  ${shown.join('\n  ')}${rest > 0 ? `\n  and ${rest} more` : ''}`,
  );
}

/** Differences that are told. */
const MOST = 10;

const valueAt = (leaves: ReadonlyMap<string, string>, path: string): string => leaves.get(path) ?? 'missing';

/** What is no object, as JSON, by its path: `recipe.seed`. */
function leavesOf(value: unknown, path = ''): [path: string, json: string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([name, inner]) =>
    leavesOf(inner, path === '' ? name : `${path}.${name}`),
  );
}
