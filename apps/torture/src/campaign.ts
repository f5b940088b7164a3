import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import { messageOf } from '@beit/tensors';
import type { Attack } from './attack';

/** What became of the cases of an attack. */
export interface Row {
  readonly attack: Attack;
  tried: number;
  /** Seeds, and what happened. */
  readonly failed: { readonly seed: number; readonly why: string; readonly folder: string }[];
}

export interface CampaignOptions {
  /** The first seed; each case takes the next. */
  readonly seed: number;
  readonly minutes: number;
  /** Cases of each attack, at most. */
  readonly cases: number;
  /** Where cases have their folders; those that failed stay. */
  readonly folder: string;
  readonly onCase: (row: Row, seed: number, why: string | undefined) => void;
}

/** The first of each kind, then the second: however short a campaign is, it tries some of every kind. */
export const inTurn = <T>(kinds: readonly (readonly T[])[]): T[] =>
  Array.from({ length: Math.max(...kinds.map(({ length }) => length)) }, (_, i) =>
    kinds.flatMap((kind) => kind.slice(i, i + 1)),
  ).flat();

/** Tries the attacks in turn, until the time is over or all cases have been tried. */
export async function campaign(
  attacks: readonly Attack[],
  { seed: first, minutes, cases, folder, onCase }: CampaignOptions,
): Promise<Row[]> {
  const rows: Row[] = attacks.map((attack) => ({ attack, tried: 0, failed: [] }));
  await mkdir(folder, { recursive: true });
  const end = performance.now() + minutes * 60_000;
  for (let seed = first; seed < first + cases; seed++) {
    for (const row of rows) {
      if (performance.now() >= end) return rows;
      const own = await mkdtemp(join(folder, `${row.attack.name}-${seed}-`));
      const why = await verdictOf(row.attack, seed, own);
      row.tried++;
      // What a process that was killed left to others may still come.
      if (why === undefined) await rm(own, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
      else row.failed.push({ seed, why, folder: own });
      onCase(row, seed, why);
    }
  }
  return rows;
}

/** What went wrong; undefined: nothing. */
async function verdictOf(attack: Attack, seed: number, folder: string): Promise<string | undefined> {
  try {
    const verdict = await attack.attempt({ random: createRandom('torture', attack.name, seed), folder });
    return verdict.survived ? undefined : verdict.why;
  } catch (error) {
    return `the case could not be made: ${messageOf(error)}`;
  }
}
