import type { Evaluated } from './evaluation';
import { scoresOf } from './scores';

/** The numbers of an evaluation as `results.json` has them, class by class too; null stands for what is none. */
export function resultsOf(evaluated: Evaluated, classes: readonly string[]): object {
  const byName = <T>(perClass: readonly T[]): Record<string, T> =>
    Object.fromEntries(classes.map((name, label) => [name, perClass[label]!]));
  const scores = scoresOf(evaluated);
  if (evaluated.multiLabel) {
    const { measuredClasses, perClass } = evaluated.metrics;
    return { ...scores, measuredClasses, perClass: byName(perClass) };
  }
  const { perClass, confusion } = evaluated.metrics;
  return { ...scores, perClass: byName(perClass), confusion };
}
