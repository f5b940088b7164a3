import { standaloneSvg } from '@beit/report';
import { type CurveComparison, compareCurves, relativeDifferences, runningMeans } from './compareCurves';

/** One training run: its loss and its seconds, step by step. */
export interface Curve {
  readonly loss: readonly number[];
  readonly seconds: readonly number[];
}

/** A stage in both precisions. */
export interface StageCurves {
  readonly fp32: Curve;
  readonly bf16: Curve;
  /** fp32 from another seed: other initial weights, crops, masks and noise. */
  readonly otherSeed?: Curve;
}

export interface StageSummary extends CurveComparison {
  /** Median seconds of a step: waiting for its batch, forward, backward and update. */
  readonly stepSecondsFp32: number;
  readonly stepSecondsBf16: number;
  /** What another seed does to the final loss in fp32, likewise, and the drift of its curve. */
  readonly seedDifference?: number;
  readonly seedDrift?: number;
}

export interface PrecisionResult {
  readonly steps: number;
  /** Steps in a running mean. */
  readonly window: number;
  /** The machine and what ran on it. */
  readonly environment: string;
  /** Stage 2, masked image modelling. */
  readonly summary: StageSummary;
  /** Stage 1. */
  readonly tokenizer?: StageSummary;
  readonly curves: { readonly pretraining: StageCurves; readonly tokenizer?: StageCurves };
}

/** The largest difference of the final losses that counts as training as well. */
const GOAL = 0.01;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

export function summaryOfStage({ fp32, bf16, otherSeed }: StageCurves, window: number): StageSummary {
  const seed = otherSeed && compareCurves(fp32.loss, otherSeed.loss, window);
  return {
    ...compareCurves(fp32.loss, bf16.loss, window),
    stepSecondsFp32: median(fp32.seconds),
    stepSecondsBf16: median(bf16.seconds),
    ...(seed && { seedDifference: seed.relativeDifference, seedDrift: seed.maxDrift }),
  };
}

/** The smoothed curves, and how far they are from fp32. */
export function precisionFigure({ curves, window }: PrecisionResult): string {
  const stage = (id: string, title: string, { fp32, bf16, otherSeed }: StageCurves) => {
    const own = runningMeans(fp32.loss, window);
    const others = [
      { label: 'bf16', values: runningMeans(bf16.loss, window) },
      ...(otherSeed ? [{ label: 'fp32, seed 1', values: runningMeans(otherSeed.loss, window) }] : []),
    ];
    const line = (label: string, values: readonly number[]) => ({
      label,
      style: 'line' as const,
      points: values.map((y, i) => ({ x: i + window, y })),
    });
    const percents = (values: readonly number[]) => relativeDifferences(own, values).map((x) => 100 * x);
    return [
      {
        id: `${id}-loss`,
        title: `${title}: loss, mean of ${window} steps`,
        xLabel: 'step',
        series: [line('fp32', own), ...others.map(({ label, values }) => line(label, values))],
      },
      {
        id: `${id}-difference`,
        title: `${title}: difference from fp32, percent`,
        xLabel: 'step',
        series: [
          line('fp32', percents(own)),
          ...others.map(({ label, values }) => line(label, percents(values))),
        ],
      },
    ];
  };
  return standaloneSvg('Training in bf16 and in fp32', [
    ...stage('pretraining', 'Stage 2', curves.pretraining),
    ...(curves.tokenizer ? stage('tokenizer', 'Stage 1', curves.tokenizer) : []),
  ]);
}

const percent = (fraction: number | undefined) =>
  fraction === undefined ? '' : `${(100 * fraction).toFixed(2)} %`;

/** Command, figures, verdict. */
export function precisionPage({ steps, window, environment, summary, tokenizer }: PrecisionResult): string {
  const stages = [
    { name: 'stage 2, masked image modelling', stage: summary },
    ...(tokenizer ? [{ name: 'stage 1, tokenizer', stage: tokenizer }] : []),
  ];
  const seeds = summary.seedDifference !== undefined;
  const flags = [
    ...(steps === 500 ? [] : [` --steps ${steps}`]),
    ...(tokenizer ? [' --both-stages'] : []),
    ...(seeds ? [' --second-seed'] : []),
  ].join('');
  const row = (label: string, show: (stage: StageSummary) => string) =>
    `| ${label} | ${stages.map(({ stage }) => show(stage)).join(' | ')} |`;
  const verdicts = stages.map(({ name, stage }) => {
    const within = Math.abs(stage.relativeDifference) <= GOAL;
    const drift = stage.maxDrift <= GOAL ? 'and the curves stay' : 'but the curves do **not** stay';
    return (
      `In ${name}, the final loss in bf16 is ${within ? 'within' : '**not** within'} 1 percent of that in fp32, ` +
      `${drift} within 1 percent of each other all along.`
    );
  });
  return `# bf16 against fp32

\`pnpm experiment:precision${flags}\` trains ${steps} steps of the default recipe in both precisions with the same seed: from the same weights, on the same crops and masks. The schedules are shortened to these steps. Both learn the tokens of one tokenizer, that of ${steps} steps of stage 1 in fp32; in bf16 it computes in bf16 too, as with \`pnpm start --precision bf16\`. ${environment}

![Smoothed losses and their differences](precision.svg)

| | ${stages.map(({ name }) => name).join(' | ')} |
| --- | ${stages.map(() => '---').join(' | ')} |
${[
  row(`final loss fp32, mean of ${window} steps`, (s) => s.finalLossFp32.toFixed(4)),
  row('final loss bf16', (s) => s.finalLossBf16.toFixed(4)),
  row('difference of bf16 from fp32', (s) => percent(s.relativeDifference)),
  row('largest difference of the smoothed curves', (s) => percent(s.maxDrift)),
  ...(seeds
    ? [
        row('another seed, fp32: final difference', (s) => percent(s.seedDifference)),
        row('another seed, fp32: largest difference', (s) => percent(s.seedDrift)),
      ]
    : []),
  row('seconds a step fp32', (s) => s.stepSecondsFp32.toFixed(3)),
  row('seconds a step bf16', (s) => s.stepSecondsBf16.toFixed(3)),
].join('\n')}

${verdicts.join(' ')}

Seconds are medians of whole steps, data loading and tokenizing included, of runs one after another, with whatever else the machine was doing: they are no benchmark. All numbers, step by step: \`precision.json\`.
`;
}
