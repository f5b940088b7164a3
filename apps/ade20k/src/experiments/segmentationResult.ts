import { aboveZero, type Pair, pair, spread, withSd } from '@beit/experiments';
import { type ChartSeries, standaloneSvg } from '@beit/report';
import { type SegmentationSettings, STARTS, type Start } from './segmentationPlan';

/** Validation mIoU of one training, in [0, 1], on its way. */
export interface Curve {
  readonly start: Start;
  readonly seed: number;
  readonly points: readonly { readonly step: number; readonly mIoU: number }[];
  /** IoU of each class at the end; null for one that occurs nowhere. */
  readonly iou: Readonly<Record<string, number | null>>;
}

/** mIoU at the end, means over seeds; and the differences of runs with the same seed. */
export type SegmentationSummary = Pair<Start | 'beitMinusScratch' | 'intermediateMinusBeit'>;

export interface SegmentationResult {
  readonly summary: SegmentationSummary;
  readonly settings: SegmentationSettings;
  /** The machine and what ran on it. */
  readonly environment: string;
  readonly curves: readonly Curve[];
}

const NAMES: Readonly<Record<Start, string>> = {
  scratch: 'from scratch',
  beit: 'BEiT',
  beitIntermediate: 'BEiT, intermediate fine-tuning',
};

export function segmentationSummary(curves: readonly Curve[]): SegmentationSummary {
  const seeds = [...new Set(curves.map(({ seed }) => seed))];
  const last = (start: Start, seed: number): number => {
    const found = curves.find((curve) => curve.start === start && curve.seed === seed);
    if (!found) throw new Error(`There is no run of '${start}' with seed ${seed}.`);
    return found.points.at(-1)!.mIoU;
  };
  const over = (value: (seed: number) => number) => spread(seeds.map(value));
  return {
    ...pair(
      'scratch',
      over((seed) => last('scratch', seed)),
    ),
    ...pair(
      'beit',
      over((seed) => last('beit', seed)),
    ),
    ...pair(
      'beitIntermediate',
      over((seed) => last('beitIntermediate', seed)),
    ),
    ...pair(
      'beitMinusScratch',
      over((seed) => last('beit', seed) - last('scratch', seed)),
    ),
    ...pair(
      'intermediateMinusBeit',
      over((seed) => last('beitIntermediate', seed) - last('beit', seed)),
    ),
  };
}

/** mIoU by step, with a band from seed to seed. */
export function segmentationFigure({ curves }: SegmentationResult): string {
  const series = STARTS.map((start): ChartSeries => {
    const own = curves.filter((curve) => curve.start === start);
    const points = own[0]!.points.map(({ step }, i) => {
      const at = own.map(({ points }) => 100 * points[i]!.mIoU);
      return { x: step, y: spread(at).mean, low: Math.min(...at), high: Math.max(...at) };
    });
    return { label: NAMES[start], style: 'line', points };
  });
  return standaloneSvg('Semantic segmentation of emoji scenes', [
    { id: 'miou', title: 'mIoU on validation scenes, percent', xLabel: 'step', series },
  ]);
}

/** Command, figures, verdict. */
export function segmentationPage(result: SegmentationResult): string {
  const { summary, settings, environment, curves } = result;
  const { seeds, training, validation, steps, heldOutShare } = settings;
  const of = (start: Start) => curves.filter((curve) => curve.start === start);
  const rows = STARTS.map(
    (start) => `| ${NAMES[start]} | ${withSd(spread(of(start).map(({ points }) => points.at(-1)!.mIoU)))} |`,
  );
  const classes = Object.keys(curves[0]!.iou).map((name) => {
    const cells = STARTS.map((start) => {
      const known = of(start).flatMap(({ iou }) => iou[name] ?? []);
      return known.length > 0 ? withSd(spread(known)) : 'n/a';
    });
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  const verdict = (claim: string, difference: 'beitMinusScratch' | 'intermediateMinusBeit') => {
    const [mean, sd] = [summary[difference], summary[`${difference}Sd`]];
    const figures = `by ${withSd({ mean, sd })} points`;
    return `- ${claim}: **${aboveZero({ mean, sd }, seeds.length)}**, ${figures}.`;
  };
  return `# Does pre-training help dense prediction?

\`pnpm experiment:segmentation\` trains one small network with a SETR-PUP head (64x64 windows, 8x8 patches, 4 blocks of width 128) to name the group of what each pixel of a scene shows: ${training} scenes of several emoji before textured backgrounds, ${validation} to validate, made of other emoji. ${Math.round(100 * heldOutShare)} % of the emoji are in no training, with or without labels. It begins at random; with ${settings.pretrainingEpochs} epochs of BEiT's pre-training on the other emoji; or with these and ${settings.intermediateEpochs} epochs of classification on subgroups of them (intermediate fine-tuning, section 3.1 of the paper). Seeds: ${seeds.length}; ${steps} steps of 16 crops, the same for all but the layer-wise decay of learning rates, which is for what is pre-trained. ${environment}.

![mIoU by step](segmentation.svg)

| start | mIoU, % |
| --- | --- |
${rows.join('\n')}

Means over seeds ± standard deviation, after the last step. By the paper's numbers on ADE20K: 45.6 for BEiT, 47.7 with intermediate fine-tuning; what is expected here is the order.

${verdict('BEiT is better than training from scratch', 'beitMinusScratch')}
${verdict('intermediate fine-tuning helps further', 'intermediateMinusBeit')}

| IoU of a class, % | ${STARTS.map((start) => NAMES[start]).join(' | ')} |
| --- | --- | --- | --- |
${classes.join('\n')}

All curves: \`segmentation.json\`.
`;
}
