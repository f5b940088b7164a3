import { type Pair, pair, spread } from '@beit/experiments';
import { FIFTH, LONGER, type Start } from './efficiencyPlan';

/** Validation accuracy of one fine-tuning after each epoch. */
export interface Curve {
  readonly start: Start;
  readonly seed: number;
  /** Share of the labels. */
  readonly share: number;
  readonly epochs: number;
  /** In [0, 1], after epoch 1, 2, ... */
  readonly top1: readonly number[];
  readonly top5: readonly number[];
  /** Cross-entropy, nats. */
  readonly loss: readonly number[];
}

export const best = ({ top1 }: Curve): number => top1.reduce((a, b) => Math.max(a, b), 0);

/** First epoch whose accuracy is at least `wanted`; undefined when there is none. */
export function epochsTo(curve: Curve, wanted: number): number | undefined {
  const index = curve.top1.findIndex((accuracy) => accuracy >= wanted);
  return index === -1 ? undefined : index + 1;
}

export type EfficiencySummary = Pair<
  | 'scratchBest'
  | 'scratchLongerBest'
  | 'beitBest'
  | 'randomBest'
  | 'pixelsBest'
  | 'beitInFifthOfEpochs'
  | 'beitAtFifthOfLabels'
  | 'blockwiseMinusRandom'
  | 'tokensMinusPixels'
> & {
  /** First epoch in which fine-tuning is at least as good as scratch ever is with that seed, as a share of its epochs. */
  readonly epochsToScratchBest: number | null;
  readonly epochsToScratchBestSd: number | null;
  /** Likewise of the longer training from scratch, as a share of its epochs. */
  readonly epochsToScratchLongerBest: number | null;
  readonly epochsToScratchLongerBestSd: number | null;
};

/** The figures of the experiment, means over seeds. @param epochs of fine-tuning, and of training from scratch */
export function efficiencySummary(curves: readonly Curve[], epochs: number): EfficiencySummary {
  const seeds = [...new Set(curves.map(({ seed }) => seed))];
  const find = (start: Start, seed: number, share = 1, length = epochs): Curve => {
    const found = curves.find(
      (c) => c.start === start && c.seed === seed && c.share === share && c.epochs === length,
    );
    if (!found)
      throw new Error(
        `There is no run of '${start}' with seed ${seed}, ${share} of the labels, ${length} epochs.`,
      );
    return found;
  };
  const over = (value: (seed: number) => number) => spread(seeds.map(value));
  const bestOf = (start: Start) => (seed: number) => best(find(start, seed));
  const longer = (seed: number) => best(find('scratch', seed, 1, epochs * LONGER));
  const fraction = (wanted: (seed: number) => number, of: number) => {
    const reached = seeds.map((seed) => epochsTo(find('beit', seed), wanted(seed)));
    return reached.every((epoch) => epoch !== undefined)
      ? spread(reached.map((epoch) => epoch / of))
      : undefined;
  };
  const toScratch = fraction(bestOf('scratch'), epochs);
  const toLonger = fraction(longer, epochs * LONGER);
  return {
    ...pair('scratchBest', over(bestOf('scratch'))),
    ...pair('scratchLongerBest', over(longer)),
    ...pair('beitBest', over(bestOf('beit'))),
    ...pair('randomBest', over(bestOf('random'))),
    ...pair('pixelsBest', over(bestOf('pixels'))),
    epochsToScratchBest: toScratch?.mean ?? null,
    epochsToScratchBestSd: toScratch?.sd ?? null,
    epochsToScratchLongerBest: toLonger?.mean ?? null,
    epochsToScratchLongerBestSd: toLonger?.sd ?? null,
    ...pair(
      'beitInFifthOfEpochs',
      over((seed) => best(find('beit', seed, 1, epochs * FIFTH))),
    ),
    ...pair(
      'beitAtFifthOfLabels',
      over((seed) => best(find('beit', seed, FIFTH))),
    ),
    ...pair(
      'blockwiseMinusRandom',
      over((seed) => bestOf('beit')(seed) - bestOf('random')(seed)),
    ),
    ...pair(
      'tokensMinusPixels',
      over((seed) => bestOf('beit')(seed) - bestOf('pixels')(seed)),
    ),
  };
}
