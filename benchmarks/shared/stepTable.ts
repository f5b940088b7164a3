import { type Cell, type Machine, machineLine, markdownTable } from '@beit/measurements';
import { type Difference, fastestPeer, type StepResult, timesAsFast, WARM_UP_STEPS } from './stepRun';

const seconds = (value: number) => value.toFixed(2);
const times = (value?: number) => value && `${value.toFixed(2)}x`;

/** The results as a Markdown table, with `extra` columns if given; `peer` is whose framework the others are. */
export const stepTable = (
  results: readonly StepResult[],
  extra: (result: StepResult) => Readonly<Record<string, Cell>> = () => ({}),
  peer = 'PyTorch',
): string =>
  markdownTable(
    results.map((result) => ({
      '': result.name,
      'seconds a step': seconds(result.seconds.median),
      quartiles: `${seconds(result.seconds.lowerQuartile)} to ${seconds(result.seconds.upperQuartile)}`,
      slowest: seconds(result.seconds.max),
      'first steps': result.warmUpSeconds[0]!.map(seconds).join(', '),
      [`times as fast as the fastest ${peer}`]: times(timesAsFast(result, fastestPeer(results))),
      'of its precision': times(timesAsFast(result, fastestPeer(results, result.precision))),
      ...extra(result),
      'compile, again (s)': [result.compileSeconds, result.cachedCompileSeconds]
        .map((value) => value?.toFixed(1) ?? '-')
        .join(', '),
      'peak memory (GB)': (result.peakBytes / 1e9).toFixed(2),
    })),
  );

/** What the numbers of the table are, in a sentence. */
export const stepsSentence = (steps: number, rounds: number): string =>
  `Medians of the steps after the first ${WARM_UP_STEPS}: ${steps - WARM_UP_STEPS} steps in each of ${rounds} rounds.`;

/** What was run, on what, with which versions, in a sentence. */
export function commandSentence(
  command: string,
  machine: Machine,
  threads: number,
  results: readonly StepResult[],
): string {
  const versions: Record<string, string> = Object.assign({}, ...results.map(({ runs }) => runs[0]!.versions));
  const peers = Object.entries(versions).map((pair) => pair.join(' '));
  const parts = [`\`${command}\``, `${machineLine(machine)}, ${threads} threads`, peers.join(', ')];
  return `${parts.filter(Boolean).join('; ')}.`;
}

/** Why some are not in the table; empty where all are. */
export const absentSentence = (absent: Readonly<Record<string, string>>): string =>
  Object.entries(absent)
    .map(([name, reason]) => `Not here: ${name}, ${reason}.`)
    .join(' ');

/** Losses and gradient norms beside those of PyTorch in fp32; empty where PyTorch has not run. */
export const agreementTable = (loss: readonly Difference[], gradNorm: readonly Difference[]): string =>
  loss.length === 0
    ? ''
    : markdownTable(
        loss.map(({ name, first, last, largest }, i) => ({
          '': name,
          'first loss': first.toFixed(6),
          'last loss': last.toFixed(6),
          'largest relative difference of a loss': largest.toExponential(1),
          'of a gradient norm': gradNorm[i]!.largest.toExponential(1),
        })),
      );
