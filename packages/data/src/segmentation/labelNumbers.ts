/**
 * What the numbers of masks mean. `ade20k`: 0 is none and 1 the first class (mmsegmentation: `reduce_zero_label=True`).
 * `from-zero`: 0 is the first class (mmsegmentation's default; Cityscapes' train ids, Pascal VOC). In both 255 is none.
 * `binary`: two classes, 0 and 255, as drawing programs and most annotation tools write them.
 */
export const LABEL_NUMBERS = ['ade20k', 'from-zero', 'binary'] as const;
export type LabelNumbers = (typeof LABEL_NUMBERS)[number];

/** The label of pixels that belong to no class. */
export const IGNORE_INDEX = 255;
/** What -1 is in 16 bits: none. */
const IGNORE_16_BITS = 65_535;
/** Below 255, also where 0 is none. */
const MOST_CLASSES = 254;
/** In a table of classes, where a number has no meaning. */
const NO_MEANING = -1;

export interface AnnotationOptions {
  readonly numClasses: number;
  readonly labels: LabelNumbers;
}

/** Class by number: 255 for none, undefined for a number that means nothing. */
export type ClassOf = (number: number) => number | undefined;

/**
 * The class of each number that a mask of up to 16 bits may have.
 *
 * @throws RangeError for fewer classes than 2 or more than 254, and `binary` with other than two
 */
export function classOfNumber({ numClasses, labels }: AnnotationOptions): ClassOf {
  if (!Number.isSafeInteger(numClasses) || numClasses < 2 || numClasses > MOST_CLASSES)
    throw new RangeError(`numClasses is ${numClasses}; expected 2 to ${MOST_CLASSES}.`);
  if (labels === 'binary' && numClasses !== 2)
    throw new RangeError(`The labels are 'binary' and there are ${numClasses} classes; expected two.`);
  const table = new Int16Array(IGNORE_16_BITS + 1).fill(NO_MEANING);
  if (labels === 'ade20k') table[0] = IGNORE_INDEX;
  table[IGNORE_INDEX] = IGNORE_INDEX;
  table[IGNORE_16_BITS] = IGNORE_INDEX;
  for (let label = 0; label < numClasses; label++) table[numberOfClass(label, labels)] = label;
  if (labels === 'binary') table[IGNORE_16_BITS] = 1;
  return (number) => {
    const label = table[number] ?? NO_MEANING;
    return label === NO_MEANING ? undefined : label;
  };
}

/** The number of a class in a mask of 8 bits. */
export function numberOfClass(label: number, labels: LabelNumbers): number {
  if (labels === 'binary') return label * 255;
  return labels === 'ade20k' ? label + 1 : label;
}

/** For people: which numbers there may be. */
export function describeNumbers({ numClasses, labels }: AnnotationOptions): string {
  if (labels === 'binary') return '0 or 255';
  return labels === 'ade20k'
    ? `0 for none, 1 to ${numClasses}, or ${IGNORE_INDEX} for none`
    : `0 to ${numClasses - 1}, or ${IGNORE_INDEX} for none`;
}
