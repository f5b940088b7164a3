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
    (text) => JSON.parse(text) as Record<string, unknown>,
  );
  const [first, ...others] = all;
  const differences = others.flatMap((other, i) =>
    [...new Set([...Object.keys(first!), ...Object.keys(other)])]
      .filter((name) => JSON.stringify(other[name]) !== JSON.stringify(first![name]))
      .map((name) => `rank ${i + 1}: ${name} is ${short(other[name])}; rank 0 has ${short(first![name])}`),
  );
  if (differences.length > 0)
    throw new Error(`The processes of this job do not agree:\n  ${differences.join('\n  ')}`);
}

const MOST = 200;

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > MOST ? `${text.slice(0, MOST)} ...` : text;
}
