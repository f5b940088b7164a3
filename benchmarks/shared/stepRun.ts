import type { Precision } from '@beit/compile';
import { type Command, median, type Spread, spreadOf } from '@beit/measurements';

/** One process's steps, ours or the peer's. */
export interface StepRun {
  /** What every step took, the first ones too. */
  readonly seconds: readonly number[];
  /** All that the steps returned, by name, one after the other. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  /** Tracing and compiling, where that is apart from the first step. */
  readonly compileSeconds?: number;
  /** Most memory that the process held. */
  readonly peakBytes: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** A competitor's steps over all rounds. */
export interface StepResult {
  readonly name: string;
  readonly precision: Precision;
  readonly ours: boolean;
  /** What the steps after the warm-up took, of all rounds together. */
  readonly seconds: Spread;
  /** The same, by round. */
  readonly medianByRound: readonly number[];
  /** What the first steps took, by round. */
  readonly warmUpSeconds: readonly (readonly number[])[];
  /** With empty caches, in the first round, and with what that round left behind. */
  readonly compileSeconds: number;
  readonly cachedCompileSeconds?: number;
  readonly peakBytes: number;
  readonly runs: readonly StepRun[];
}

/** One of those that are compared, and its runs so far: one a round, or why there are none. */
export interface StepCompetitor {
  readonly name: string;
  readonly precision: Precision;
  readonly ours: boolean;
  readonly command: Command;
  readonly results: StepRun[];
  absent?: string;
}

/** Steps that are told apart: memory is touched for the first time, and PyTorch compiles in the first. */
export const WARM_UP_STEPS = 3;

export function stepResult({ name, precision, ours, results: runs }: StepCompetitor): StepResult {
  const steady = runs.map(({ seconds }) => seconds.slice(WARM_UP_STEPS));
  const [first, ...later] = runs.map(compileSeconds);
  return {
    name,
    precision,
    ours,
    seconds: spreadOf(steady.flat()),
    medianByRound: steady.map(median),
    warmUpSeconds: runs.map(({ seconds }) => seconds.slice(0, WARM_UP_STEPS)),
    compileSeconds: first!,
    ...(later.length > 0 && { cachedCompileSeconds: median(later) }),
    peakBytes: Math.max(...runs.map(({ peakBytes }) => peakBytes)),
    runs,
  };
}

/** What is compiled within the first step is what that takes longer than the others. */
const compileSeconds = ({ compileSeconds, seconds: [first, ...others] }: StepRun): number =>
  compileSeconds ?? Math.max(0, first! - median(others));

/** The fastest peer, of one precision or of all; undefined where there is none. */
export const fastestPeer = (results: readonly StepResult[], precision?: Precision): StepResult | undefined =>
  results
    .filter((result) => !result.ours && (precision === undefined || result.precision === precision))
    .sort((a, b) => a.seconds.median - b.seconds.median)[0];

/** How many times as fast as the peer: the peer's median time over ours. */
export const timesAsFast = (ours?: StepResult, peer?: StepResult): number | undefined =>
  ours && peer && peer.seconds.median / ours.seconds.median;

/** Most memory, ours and that of the peer of the same precision that takes least. */
export function memoryAgainst(results: readonly StepResult[], ours?: StepResult) {
  if (!ours) return undefined;
  const peers = results.filter((result) => !result.ours && result.precision === ours.precision);
  const peerBytes = peers.length > 0 ? Math.min(...peers.map(({ peakBytes }) => peakBytes)) : undefined;
  return {
    oursBytes: ours.peakBytes,
    peerBytes,
    ratio: peerBytes && ours.peakBytes / peerBytes,
  };
}

/** How far an output lies from that of the peer in fp32. */
export interface Difference {
  readonly name: string;
  readonly precision: Precision;
  readonly first: number;
  readonly last: number;
  /** Relative to the other value; the largest of all steps. */
  readonly largest: number;
}

/** Differences of one scalar output, of all competitors that have it; none where there is no peer to compare with. */
export function differences(results: readonly StepResult[], output: string): Difference[] {
  const reference = results.find(({ ours, precision }) => !ours && precision === 'fp32');
  const expected = reference?.runs[0]?.outputs[output];
  if (!expected) return [];
  return results.map(({ name, precision, runs }) => {
    const values = runs[0]!.outputs[output]!;
    const errors = expected.map((value, i) => Math.abs(values[i]! - value) / Math.abs(value));
    return { name, precision, first: values[0]!, last: values.at(-1)!, largest: Math.max(...errors) };
  });
}

/** Differences up to this are rounding, which grows from step to step; a wrong gradient is far beyond. */
export const TOLERANCE: Readonly<Record<Precision, number>> = { fp32: 1e-3, tf32: 1e-2, bf16: 3e-2 };

/** Names those that did not do the same work: a comparison of their times means nothing. */
export const otherWork = (
  output: string,
  all: readonly Difference[],
  tolerance = TOLERANCE,
  peer = 'PyTorch',
): string[] =>
  all
    .filter(({ precision, largest }) => !(largest <= tolerance[precision]))
    .map(
      ({ name, precision, largest }) =>
        `${name}: '${output}' is not that of ${peer} in fp32, by ${largest} of it (at most ${tolerance[precision]}).`,
    );
