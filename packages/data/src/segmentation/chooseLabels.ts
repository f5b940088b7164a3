import {
  type AnnotationOptions,
  classOfNumber,
  IGNORE_INDEX,
  LABEL_NUMBERS,
  type LabelNumbers,
} from './labelNumbers';

/** What the numbers of masks are, read in one way. */
export interface LabelFit {
  readonly labels: LabelNumbers;
  /** Numbers that mean nothing. */
  readonly strays: readonly number[];
  /** Classes that a pixel has. */
  readonly present: readonly number[];
  /** Classes that no pixel has. */
  readonly missing: readonly number[];
}

/** @param numbers that masks have @throws RangeError as `classOfNumber` */
export function fitLabels(numbers: Iterable<number>, options: AnnotationOptions): LabelFit {
  const classOf = classOfNumber(options);
  const all = [...numbers];
  const found = new Set(all.map(classOf));
  const classes = Array.from({ length: options.numClasses }, (_, label) => label);
  return {
    labels: options.labels,
    strays: all.filter((number) => classOf(number) === undefined),
    present: classes.filter((label) => found.has(label)),
    missing: classes.filter((label) => !found.has(label)),
  };
}

/**
 * What the numbers of masks mean, from which there are, as far as they tell: the way in which every number has a meaning and
 * a pixel a class, or, of several such ways, the one in which every class is somewhere. Where 0 and 255 both are, 0 is a class:
 * nobody needs two numbers for none.
 *
 * @param numbers that masks have
 * @returns undefined where they do not tell
 */
export function chooseLabels(numbers: Iterable<number>, numClasses: number): LabelNumbers | undefined {
  const all = new Set(numbers);
  const fits = LABEL_NUMBERS.filter((labels) => labels !== 'binary' || numClasses === 2)
    .map((labels) => fitLabels(all, { labels, numClasses }))
    .filter(({ strays, present }) => strays.length === 0 && present.length > 0);
  if (fits.length <= 1) return fits[0]?.labels;
  const likely =
    all.has(0) && all.has(IGNORE_INDEX) ? fits.filter(({ labels }) => labels !== 'ade20k') : fits;
  const [only, ...others] = likely.filter(({ missing }) => likely.length === 1 || missing.length === 0);
  return others.length === 0 ? only?.labels : undefined;
}
