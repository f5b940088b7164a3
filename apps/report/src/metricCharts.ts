import type { LineChart } from './lineChart';
import type { MetricsPoint, StageReport } from './reportData';

interface MetricStyle {
  readonly title: string;
  readonly yScale?: 'linear' | 'auto';
}

// In the order in which they are shown; metrics that are not here come after them, under their own names.
const known: Readonly<Record<string, MetricStyle>> = {
  loss: { title: 'Loss', yScale: 'auto' },
  nll: { title: 'Reconstruction: negative log-likelihood' },
  kl: { title: 'KL to the uniform prior', yScale: 'auto' },
  psnr: { title: 'Reconstruction: PSNR (dB)' },
  mse: { title: 'Reconstruction: squared error', yScale: 'auto' },
  perplexity: { title: 'Codebook perplexity' },
  mimAccuracy: { title: 'Masked-token accuracy' },
  objectAccuracy: { title: 'Masked-token accuracy on the object' },
  maskedPsnr: { title: 'Masked pixels: PSNR (dB)' },
  objectPsnr: { title: 'Masked pixels of the object: PSNR (dB)' },
  top1: { title: 'Top-1 accuracy' },
  emaTop1: { title: 'Top-1 accuracy of the averaged parameters' },
  top5: { title: 'Top-5 accuracy' },
  meanClassAccuracy: { title: 'Mean accuracy of the classes' },
  mAP: { title: 'mAP' },
  emaMAP: { title: 'mAP of the averaged parameters' },
  f1Micro: { title: 'F1, micro' },
  f1Macro: { title: 'F1, macro' },
  exactMatch: { title: 'Exact matches' },
  decodeLoss: { title: 'Loss of the main head', yScale: 'auto' },
  mIoU: { title: 'mIoU' },
  pixelAccuracy: { title: 'Pixel accuracy' },
  meanAccuracy: { title: 'Mean accuracy of the classes' },
  learningRate: { title: 'Learning rate' },
  temperature: { title: 'Gumbel-softmax temperature' },
  beta: { title: 'Weight of the KL term' },
  klWeight: { title: 'Weight of the KL term' },
  gradNorm: { title: 'Gradient norm, before clipping', yScale: 'auto' },
  imagesPerSecond: { title: 'Images per second' },
};

/** The charts of a stage: one per metric that its log holds, the held-out values in the chart of the same name. */
export function metricCharts({ name, metrics }: StageReport): LineChart[] {
  const present = new Set(
    metrics.flatMap((point) => Object.keys(point).filter((key) => isMetric(point, key))),
  );
  const order = Object.keys(known).filter((metric) => metric !== 'imagesPerSecond');
  const unknown = [...present].filter((metric) => !Object.hasOwn(known, metric));
  const lastStep = metrics.reduce((last, { step }) => Math.max(last, step), 0);
  return [...order, ...unknown, 'imagesPerSecond']
    .filter((metric) => present.has(metric))
    .map((metric, index) => ({
      id: `${name}-chart-${index}`,
      title: titleOf(metric),
      xLabel: 'step',
      xRange: [0, lastStep] as const,
      yScale: Object.hasOwn(known, metric) ? known[metric]!.yScale : undefined,
      series: [
        { label: 'training', style: 'line', points: pointsOf(metrics, 'train', metric) },
        { label: 'held-out', style: 'dots', points: pointsOf(metrics, 'evaluation', metric) },
      ] as const,
    }));
}

function isMetric(point: MetricsPoint, key: string): boolean {
  return key !== 'step' && key !== 'epoch' && typeof point[key] === 'number';
}

// A value that is no number (JSON writes NaN as null) stays as a gap in the line.
function pointsOf(metrics: readonly MetricsPoint[], kind: MetricsPoint['kind'], metric: string) {
  return metrics
    .filter((point) => point.kind === kind && point[metric] !== undefined)
    .map((point) => ({ x: point.step, y: typeof point[metric] === 'number' ? point[metric] : Number.NaN }));
}

function titleOf(metric: string): string {
  if (Object.hasOwn(known, metric)) return known[metric]!.title;
  const words = metric
    .replace(/[_/.-]+/g, ' ')
    .replace(/([a-z\d])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}
