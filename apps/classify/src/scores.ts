import type { Evaluated } from './evaluation';

/** What models are chosen by, as metrics call it: of the parameters, and of their moving average. */
export const mainMetric = ({ multiLabel }: { readonly multiLabel: boolean }) =>
  multiLabel
    ? ({ name: 'mAP', ema: 'emaMAP', title: 'mAP' } as const)
    : ({ name: 'top1', ema: 'emaTop1', title: 'top-1' } as const);

/** The numbers of an evaluation, by name. */
export function scoresOf({ loss, ...evaluated }: Evaluated): Readonly<Record<string, number>> {
  if (evaluated.multiLabel) {
    const { mAP, f1Micro, f1Macro, exactMatch } = evaluated.metrics;
    return { loss, mAP, f1Micro, f1Macro, exactMatch };
  }
  const { top1, top5, meanClassAccuracy } = evaluated.metrics;
  return { loss, top1, top5, meanClassAccuracy };
}
