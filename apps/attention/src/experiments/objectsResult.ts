import { type ChartSeries, standaloneSvg } from '@beit/report';
import {
  bestHead,
  describeEstimate,
  describeHead,
  type Estimate,
  estimate,
  type HeadScores,
} from '../measure';

/** What is compared; `nearness` knows nothing but distances, `masked...` is attention of patches that are masked themselves. */
export const STARTS = [
  'nearness',
  'random',
  'pretrained',
  'finetuned',
  'scratch',
  'maskedRandom',
  'maskedPretrained',
] as const;
export type Start = (typeof STARTS)[number];

export interface Measured {
  readonly start: Start;
  readonly heads: readonly HeadScores[];
}

/** The best head: area under the ROC curve of "the same object", and among patches at equal distance. */
export type ObjectsSummary = Readonly<
  Record<Start, Estimate & { readonly atEqualDistance: Estimate; readonly mass: Estimate }>
> & { readonly area: Estimate };

export interface ObjectsResult {
  readonly summary: ObjectsSummary;
  readonly scenes: number;
  readonly gridSide: number;
  /** The machine and what ran on it. */
  readonly environment: string;
}

const NAMES: Readonly<Record<Start, string>> = {
  nearness: 'nearness alone',
  random: 'at random',
  pretrained: 'BEiT, no labels',
  finetuned: 'BEiT, fine-tuned',
  scratch: 'from scratch',
  maskedRandom: 'at random, masked patches ask',
  maskedPretrained: 'BEiT, no labels, masked patches ask',
};

/** Lines of the figure. */
const SHOWN: readonly Start[] = ['random', 'pretrained', 'finetuned', 'scratch', 'maskedPretrained'];

export function objectsSummary(measured: readonly Measured[]): ObjectsSummary {
  const of = ({ heads }: Measured) => {
    const best = bestHead(heads, 'auc');
    const atEqualDistance = bestHead(heads, 'aucAtEqualDistance').aucAtEqualDistance;
    return { ...best.auc, atEqualDistance, mass: best.mass };
  };
  const area = estimate(measured[0]!.heads[0]!.scenes, 'area');
  return {
    ...Object.fromEntries(measured.map((one) => [one.start, of(one)])),
    area,
  } as ObjectsSummary;
}

const TITLES = {
  auc: 'Area under the ROC curve of “the same object”',
  aucAtEqualDistance: 'The same, among patches at equal distance',
} as const;

/** By block, of its best head, with confidence intervals. */
export function objectsFigure(measured: readonly Measured[]): string {
  const chart = (metric: keyof typeof TITLES) => ({
    id: metric,
    title: TITLES[metric],
    xLabel: 'block',
    series: measured
      .filter(({ start }) => SHOWN.includes(start))
      .map(({ start, heads }): ChartSeries => {
        const blocks = [...new Set(heads.map(({ block }) => block))];
        const points = blocks.map((block) => {
          const best = bestHead(
            heads.filter((head) => head.block === block),
            metric,
          )[metric];
          return { x: block + 1, y: best.mean, low: best.low, high: best.high };
        });
        return { label: NAMES[start], style: 'line', points };
      }),
  });
  return standaloneSvg('Self-attention and objects', [chart('auc'), chart('aucAtEqualDistance')]);
}

/** Command, figures, verdict. */
export function objectsPage(
  { summary, scenes, gridSide, environment }: ObjectsResult,
  measured: readonly Measured[],
): string {
  const rows = measured.map(({ start, heads }) => {
    const { atEqualDistance, mass, ...auc } = summary[start];
    return `| ${NAMES[start]} | ${describeEstimate(auc)} | ${describeHead(bestHead(heads, 'auc'))} | ${describeEstimate(atEqualDistance)} | ${describeEstimate(mass)} |`;
  });
  const { pretrained, random, nearness, maskedPretrained, maskedRandom } = summary;
  const above = (a: Estimate, b: Estimate) =>
    a.low > b.high ? 'yes' : a.mean > b.mean ? 'not clearly' : 'no';
  const half: Estimate = { mean: 0.5, low: 0.5, high: 0.5 };
  const goals: readonly (readonly [claim: string, verdict: string])[] = [
    ['pre-trained without labels, the best head is above 0.8', pretrained.low > 0.8 ? 'yes' : 'no'],
    ['it is above that of a network at random', above(pretrained, random)],
    ['it is above nearness alone', above(pretrained, nearness)],
    ['among patches at equal distance it is above 0.5', above(pretrained.atEqualDistance, half)],
    ['and above that of a network at random', above(pretrained.atEqualDistance, random.atEqualDistance)],
    [
      'the same where masked patches ask',
      above(maskedPretrained.atEqualDistance, maskedRandom.atEqualDistance),
    ],
  ];
  return `# Does attention tell objects apart?

\`pnpm experiment:attention\` takes networks that \`pnpm experiment:efficiency\` has trained (64x64 pixels, ${gridSide}x${gridSide} patches, 4 blocks of 4 heads) and ${scenes} scenes of several emoji that no training has seen, before textured backgrounds, with true masks. For every patch that an object covers at least by half, the attention of that patch to the others ranks them: the area under the ROC curve of "the same object" says how well. Means over patches, objects and scenes. ${environment}.

![By block](attention.svg)

| network | area under the ROC curve | best head | at equal distance | mass on the object |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

In brackets 95 % confidence intervals. The best head (or the mean of a block's heads) is chosen on every second scene and measured on the others. Objects take ${summary.area.mean.toFixed(3)} of the grid, which is the mass of attention that looks nowhere in particular.

What is near is often of the same object, so that attention which knows nothing but distances already has an area of ${nearness.mean.toFixed(3)}. Hence the third column, chosen by itself: only patches that are equally far from the one that asks are compared, where such attention has 0.5.

Pre-training asks masked patches alone. So in the last two rows every patch that asks is masked, and it alone: it knows where it is, not what it shows.

${goals.map(([claim, verdict]) => `- ${claim}: **${verdict}**.`).join('\n')}

All heads and scenes: \`attention.json\`.
`;
}
