import { type Launcher, launchJson, leastSquares } from '@beit/measurements';
import type { Network } from '../model/predict';

export interface AllReduceTask {
  readonly bytes: readonly number[];
  /** Measurements of each size, at least. */
  readonly repeats: number;
}

/** Seconds of the slowest rank, medians. */
export interface AllReduceTimes {
  /** The MPI library, as it calls itself. */
  readonly library: string;
  readonly points: readonly { readonly bytes: number; readonly seconds: number }[];
}

/** A fitted network, and what it was fitted to. */
export interface MeasuredNetwork extends Network, AllReduceTimes {
  readonly ranks: number;
  /** Largest distance of a point from the fit, relative to it. */
  readonly largestDeviation: number;
}

/** From the sums of losses to a bucket of gradients. */
const SIZES = [2 ** 10, 2 ** 14, 2 ** 17, 2 ** 20, 2 ** 22, 2 ** 23, 2 ** 24, 2 ** 25];
const REPEATS = 9;

/** The network between so many ranks, as the launcher places them. */
export async function measureNetwork(launcher: Launcher, ranks: number): Promise<MeasuredNetwork> {
  const task: AllReduceTask = { bytes: SIZES, repeats: REPEATS };
  const times = await launchJson<AllReduceTimes>(
    launcher,
    ranks,
    new URL('./allReduce.ts', import.meta.url),
    task,
  );
  return { ranks, ...times, ...fitNetwork(times.points, ranks) };
}

/** Bandwidth and latency of a ring (`ringAllReduce`) from times of all-reduce; of the sizes at least two. */
export function fitNetwork(
  points: AllReduceTimes['points'],
  ranks: number,
): Network & { readonly largestDeviation: number } {
  const { intercept, slope, largestDeviation } = leastSquares(
    points.map(({ bytes, seconds }) => ({ x: bytes, y: seconds })),
  );
  const messages = 2 * (ranks - 1);
  if (!(slope > 0))
    throw new Error(
      'All-reduce of large arrays was no slower than that of small ones; no bandwidth can be told. Measure again.',
    );
  return {
    bandwidth: messages / ranks / slope,
    latency: Math.max(0, intercept) / messages,
    largestDeviation,
  };
}
