import { aboveZero, spread, withSd } from '@beit/experiments';
import { type ChartSeries, standaloneSvg } from '@beit/report';
import { COMPARED, type EfficiencySettings, FIFTH, LONGER, STARTS, type Start } from './efficiencyPlan';
import { best, type Curve, type EfficiencySummary } from './efficiencySummary';

export interface EfficiencyResult {
  readonly summary: EfficiencySummary;
  readonly settings: EfficiencySettings;
  readonly images: { readonly train: number; readonly validation: number };
  readonly classes: number;
  /** The machine and what ran on it. */
  readonly environment: string;
  readonly curves: readonly Curve[];
}

const NAMES: Readonly<Record<Start, string>> = {
  scratch: 'from scratch',
  beit: 'BEiT',
  random: 'random masks',
  pixels: 'pixels',
};

const percent = (x: number) => (100 * x).toFixed(1);

/** Accuracy by epoch and by number of labels, with a band from seed to seed. */
export function efficiencyFigure({ curves, settings, images }: EfficiencyResult): string {
  const { finetuningEpochs: epochs, labelShares } = settings;
  const byEpoch = STARTS.map((start): ChartSeries => {
    const own = curves.filter((c) => c.start === start && c.share === 1 && c.epochs === epochs);
    const points = own[0]!.top1.map((_, i) => {
      const at = own.map(({ top1 }) => 100 * top1[i]!);
      return { x: i + 1, y: spread(at).mean, low: Math.min(...at), high: Math.max(...at) };
    });
    return { label: NAMES[start], style: 'line', points };
  });
  const byLabels = COMPARED.map((start): ChartSeries => {
    const points = sharesOf(start, labelShares)
      .toReversed()
      .map((share) => {
        const at = curves
          .filter((c) => c.start === start && c.share === share && c.epochs === epochs)
          .map((c) => 100 * best(c));
        return {
          x: Math.round(share * images.train),
          y: spread(at).mean,
          low: Math.min(...at),
          high: Math.max(...at),
        };
      });
    return { label: NAMES[start], style: 'dots', points };
  });
  return standaloneSvg('Fine-tuning of a pre-trained network, and training from scratch', [
    {
      id: 'convergence',
      title: 'Top-1 accuracy on validation images, percent',
      xLabel: 'epoch',
      series: byEpoch,
    },
    {
      id: 'labels',
      title: 'Best top-1 accuracy, percent',
      xLabel: 'labelled images',
      series: byLabels,
    },
  ]);
}

/** The largest first; BEiT is also fine-tuned with a fifth. */
const sharesOf = (start: (typeof COMPARED)[number], labelShares: readonly number[]): number[] =>
  [...new Set([...labelShares, ...(start === 'beit' ? [FIFTH] : [])])].sort((a, b) => b - a);

/** Command, figures, verdict. */
export function efficiencyPage(result: EfficiencyResult): string {
  const { summary, settings, images, classes, environment, curves } = result;
  const { finetuningEpochs: epochs, seeds, labelShares } = settings;
  const of = (start: Start, share: number, length = epochs) =>
    curves.filter((c) => c.start === start && c.share === share && c.epochs === length);
  const row = (name: string, own: readonly Curve[]) => {
    const last = (metric: 'top1' | 'top5' | 'loss') => spread(own.map((curve) => curve[metric].at(-1)!));
    const { mean, sd } = last('loss');
    return `| ${name} | ${withSd(spread(own.map(best)))} | ${withSd(last('top1'))} | ${withSd(last('top5'))} | ${mean.toFixed(3)} ± ${sd.toFixed(3)} |`;
  };
  const rows = [
    ...STARTS.map((start) => row(NAMES[start], of(start, 1))),
    row(`${NAMES.beit}, ${epochs * FIFTH} epochs in all`, of('beit', 1, epochs * FIFTH)),
    row(`${NAMES.scratch}, ${epochs * LONGER} epochs`, of('scratch', 1, epochs * LONGER)),
  ];
  const shares = sharesOf('beit', labelShares);
  const labels = COMPARED.map((start) => {
    const cells = shares.map((share) =>
      sharesOf(start, labelShares).includes(share) ? withSd(spread(of(start, share).map(best))) : '',
    );
    return `| ${NAMES[start]} | ${cells.join(' | ')} |`;
  });
  const said = (met: boolean) => (met ? 'yes' : 'no');
  const reached = (what: string, fraction: number | null, sd: number | null) =>
    [
      what,
      said(fraction !== null && fraction <= FIFTH),
      fraction === null ? 'not with every seed' : `${fraction.toFixed(3)} ± ${sd!.toFixed(3)} of them`,
    ] as const;
  const goals: readonly (readonly [claim: string, verdict: string, figures: string])[] = [
    reached(
      "fine-tuning reaches scratch's best accuracy in at most a fifth of its epochs",
      summary.epochsToScratchBest,
      summary.epochsToScratchBestSd,
    ),
    reached(
      `and the best of ${epochs * LONGER} epochs from scratch in at most a fifth of those`,
      summary.epochsToScratchLongerBest,
      summary.epochsToScratchLongerBestSd,
    ),
    [
      'with a fifth of the labels it is at least as good as scratch with all of them',
      said(summary.beitAtFifthOfLabels >= summary.scratchBest),
      `${percent(summary.beitAtFifthOfLabels)} against ${percent(summary.scratchBest)} %`,
    ],
    [
      'blockwise masks are better than random ones',
      aboveZero({ mean: summary.blockwiseMinusRandom, sd: summary.blockwiseMinusRandomSd }, seeds.length),
      `by ${percent(summary.blockwiseMinusRandom)} ± ${percent(summary.blockwiseMinusRandomSd)} points`,
    ],
    [
      'visual tokens are better targets than pixels',
      aboveZero({ mean: summary.tokensMinusPixels, sd: summary.tokensMinusPixelsSd }, seeds.length),
      `by ${percent(summary.tokensMinusPixels)} ± ${percent(summary.tokensMinusPixelsSd)} points`,
    ],
  ];
  return `# Does pre-training pay?

\`pnpm experiment:efficiency\` fine-tunes one small network (64x64 pixels, 64 patches, 4 blocks of width 128) to name the subgroup of an emoji: ${classes} classes, ${images.train} labelled images to train on, ${images.validation} to validate. Classes are the subgroups of at least ${settings.imagesPerClass[0]} different emoji, of each at most ${settings.imagesPerClass[1]}; one render for each emoji, without its skin tones. No emoji that is validated on is in any training, with or without labels. ${seeds.length} seeds, ${epochs} epochs, the augmentation and schedule of the recipe \`emoji\`; ${settings.pretrainings === 1 ? 'all seeds begin with one pre-training' : `in turn they begin with ${settings.pretrainings} pre-trainings`} of ${settings.pretrainingEpochs} epochs on all other emoji, whatever their class. ${environment}.

![Accuracy by epoch, and by number of labels](efficiency.svg)

| start | best top-1, % | last top-1, % | last top-5, % | last loss, nats |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

Means over seeds ± standard deviation. The paper's networks are trained from scratch three times as long as they are fine-tuned, hence the last row. "Best" is the best epoch on the validation images, for all starts alike.

| labels | ${shares.map((share) => `${Math.round(100 * share)} %`).join(' | ')} |
| --- | ${shares.map(() => '---').join(' | ')} |
${labels.join('\n')}

What the paper leads to expect, and what is measured:

${goals.map(([claim, verdict, figures]) => `- ${claim}: **${verdict}**, ${figures}.`).join('\n')}

All curves: \`efficiency.json\`.
`;
}
