/** The report as Markdown tables. */
import { duration, gibibytes } from '@beit/cli';
import { type Cell, markdownTable, quantile } from '@beit/measurements';
import type { PaperPlan } from '../model/paper';
import { REPORTED } from '../model/paper';
import { rateText, timeText } from '../units';
import type { Row, ScalingReport } from './report';

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
/** With its sign. */
const errorText = (error: number): string =>
  `${error < 0 ? '\u2212' : '+'}${Math.abs(100 * error).toFixed(0)} %`;
const rateOf = (imagesPerSecond: number): string => String(Number(imagesPerSecond.toPrecision(4)));

export const predictionTable = ({ rows }: ScalingReport): string =>
  markdownTable(
    rows.map(({ prediction, memory, workBytes }) => {
      const { ranks, machines, processors, work, seconds } = prediction;
      return {
        ranks,
        ...(processors !== undefined && { machines }),
        'micro-batches of a rank': `${work.parts} of ${work.microBatchSize}`,
        compute: timeText(seconds.compute),
        copies: timeText(seconds.copies),
        'all-reduce': timeText(seconds.exposed),
        update: timeText(seconds.update),
        step: timeText(seconds.step),
        'images a second': rateOf(prediction.imagesPerSecond),
        'speed-up': prediction.speedup.toFixed(2),
        'strong, weak efficiency': `${percent(prediction.strong)}, ${percent(prediction.weak)}`,
        'all steps': duration(prediction.totalSeconds),
        'memory, counted': gibibytes(memory.total),
        ...(workBytes !== undefined && { 'of the process': gibibytes(workBytes) }),
      };
    }),
  );

/** Predicted beside measured; empty where nothing was. */
export function checkTable({ rows }: ScalingReport): string {
  const checked = rows.flatMap(({ prediction: { ranks, seconds }, measured, workBytes }) => {
    if (!measured) return [];
    const { parts, steps } = measured;
    const both = (predicted: number, seen: number) => `${timeText(predicted)}, ${timeText(seen)}`;
    // With one rank and one micro-batch all is one program.
    const isSplit = ranks > 1;
    return [
      {
        ranks,
        'step, predicted': timeText(seconds.step),
        measured: timeText(measured.step),
        quartiles: [0.25, 0.75].map((q) => timeText(quantile(steps, q))).join(' to '),
        error: errorText(measured.error),
        'compute, both': isSplit ? both(seconds.compute, parts.compute) : '-',
        copies: isSplit ? both(seconds.copies, parts.firstCopy + parts.otherCopies) : '-',
        'all-reduce and waiting': isSplit ? both(seconds.exposed, parts.exposed + parts.waiting) : '-',
        update: isSplit ? both(seconds.update, parts.update) : '-',
        'memory of a rank, both': [workBytes!, measured.peakBytes].map(gibibytes).join(', '),
      } satisfies Record<string, Cell>,
    ];
  });
  return checked.length === 0 ? '' : markdownTable(checked);
}

export const networkTable = ({ networks }: ScalingReport): string =>
  markdownTable(
    networks.map(({ ranks, bandwidth, latency, largestDeviation, points }) => ({
      ranks,
      bandwidth: rateText(bandwidth),
      latency: timeText(latency),
      'farthest from the fit': percent(largestDeviation),
      ...Object.fromEntries(
        points
          .filter((_, i) => i % 2 === 1)
          .map(({ bytes, seconds }) => [
            bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`,
            timeText(seconds),
          ]),
      ),
    })),
  );

export const paperTable = ({ rows }: PaperPlan): string =>
  markdownTable(
    rows.map(
      ({ shareOfPeak, bandwidth, prediction: { seconds, imagesPerSecond, totalSeconds, strong } }) => ({
        'share of the peak, assumed': percent(shareOfPeak),
        'bandwidth of a GPU, assumed': rateText(bandwidth),
        'step, predicted': timeText(seconds.step),
        'all-reduce in it': timeText(seconds.exposed),
        'copies in it': timeText(seconds.copies + seconds.update),
        'images a second': rateOf(imagesPerSecond),
        efficiency: percent(strong),
        'days, predicted': (totalSeconds / 86_400).toFixed(1),
        'days, reported': REPORTED.days,
      }),
    ),
  );

/** The largest error of all, and where; undefined where nothing was checked. */
export function largestError(
  rows: readonly Row[],
): { readonly ranks: number; readonly error: number } | undefined {
  const errors = rows.flatMap(({ prediction: { ranks }, measured }) =>
    measured ? [{ ranks, error: measured.error }] : [],
  );
  return errors.sort((a, b) => Math.abs(b.error) - Math.abs(a.error))[0];
}
