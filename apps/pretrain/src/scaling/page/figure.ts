import { type ChartSeries, type LineChart, standaloneSvg } from '@beit/report';
import { onGpus, type PaperPlan } from '../model/paper';
import { rateText } from '../units';
import type { ScalingReport } from './report';

const GPUS = [1, 2, 4, 8, 16, 32, 64];
const DAY = 86_400;

/** Steps, predicted and measured, and days of the paper's training by number of GPUs. */
export function scalingFigure({ rows, task, paper }: ScalingReport): string {
  const predicted: ChartSeries = {
    label: 'predicted',
    style: 'line',
    points: rows.map(({ prediction: { ranks, seconds } }) => ({ x: ranks, y: seconds.step })),
  };
  const measured: ChartSeries = {
    label: 'measured',
    style: 'dots',
    points: rows.flatMap(({ prediction: { ranks }, measured }) =>
      measured ? [{ x: ranks, y: measured.step }] : [],
    ),
  };
  const steps: LineChart = {
    id: 'steps',
    title: `Seconds of a step of ${task.batchSize} images`,
    xLabel: 'ranks',
    series: measured.points.length > 0 ? [predicted, measured] : [predicted],
  };
  return standaloneSvg('Many processes', paper ? [steps, daysOf(paper)] : [steps]);
}

function daysOf({ task, counts, rows }: PaperPlan): LineChart {
  const [, shareOfPeak = 0] = [...new Set(rows.map((row) => row.shareOfPeak))];
  const flops = counts.trainFlops + counts.tokenizeFlops;
  const bandwidths = [...new Set(rows.map(({ bandwidth }) => bandwidth))];
  return {
    id: 'days',
    title: `The paper’s run, predicted days at ${100 * shareOfPeak} %`,
    xLabel: 'GPUs',
    yScale: 'log',
    series: bandwidths.map((bandwidth) => ({
      label: rateText(bandwidth),
      style: 'line',
      points: GPUS.map((gpus) => {
        const sized = { ...task, microBatchSize: Math.min(task.microBatchSize, task.batchSize / gpus) };
        return { x: gpus, y: onGpus(sized, flops, shareOfPeak, bandwidth, gpus).totalSeconds / DAY };
      }),
    })),
  };
}
