/** A tensor of any dtype whose numbers can be compared. */
interface Numbers {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Whether a float that is not the expected one passes for it. */
export type Passes = (actual: number, expected: number, place: number) => boolean;

/** How far a float may be from the expected one: as far as the largest of these says. */
export interface Tolerance {
  readonly absolute?: number;
  /** Of the expected number. */
  readonly relative?: number;
  /** Of the largest number of the tensor. */
  readonly ofLargest?: number;
}

/** Finite floats of this tensor that are close enough. */
export function within(
  { absolute = 0, relative = 0, ofLargest = 0 }: Tolerance,
  { data }: Pick<Numbers, 'data'>,
): Passes {
  const around = Math.max(absolute, ofLargest * largestOf(data));
  return (actual, expected) =>
    Number.isFinite(expected) &&
    Math.abs(actual - expected) < Math.max(around, relative * Math.abs(expected));
}

/** The largest magnitude that is finite. */
export function largestOf(data: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < data.length; i++) {
    const magnitude = Math.abs(data[i]!);
    if (magnitude > largest && magnitude !== Number.POSITIVE_INFINITY) largest = magnitude;
  }
  return largest;
}

/** Whether no number is NaN or infinite, which two wrong results may well have in common. */
export const allFinite = (tensors: Readonly<Record<string, Numbers>>): boolean =>
  Object.values(tensors).every(({ data }) => Array.from(data).every(Number.isFinite));

/**
 * How two tensors differ in a few words, or `undefined` where they don't: dtype, shape, integers, NaN and infinities must
 * agree exactly; -0 is 0.
 *
 * @param passes default: floats exactly, too
 */
export function tensorDifference(
  actual: Numbers,
  expected: Numbers,
  passes: Passes = () => false,
): string | undefined {
  if (actual.dtype !== expected.dtype) return `dtype ${actual.dtype} instead of ${expected.dtype}`;
  if (`${actual.shape}` !== `${expected.shape}`)
    return `shape [${actual.shape}] instead of [${expected.shape}]`;
  const [got, wanted] = [actual.data, expected.data];
  if (got.length !== wanted.length) return `${got.length} numbers instead of ${wanted.length}`;
  const isFloat = expected.dtype === 'float32' || expected.dtype === 'complex64';
  let worst = -1;
  let excess = -1;
  let count = 0;
  for (let i = 0; i < wanted.length; i++) {
    const [a, e] = [got[i]!, wanted[i]!];
    if (a === e || (Number.isNaN(a) && Number.isNaN(e)) || (isFloat && passes(a, e, i))) continue;
    count += 1;
    // What is not finite is worst.
    const error = Number.isFinite(a - e) ? Math.abs(a - e) : Number.POSITIVE_INFINITY;
    if (error > excess) [worst, excess] = [i, error];
  }
  if (count === 0) return undefined;
  const others = count > 1 ? ` (and ${count - 1} others of ${wanted.length})` : '';
  return `${got[worst]} instead of ${wanted[worst]} at ${worst}${others}`;
}

/**
 * The same of tensors by name, which must be the same names: each difference in a line.
 *
 * @param passes for each tensor
 */
export function namedDifference(
  actual: Readonly<Record<string, Numbers>>,
  expected: Readonly<Record<string, Numbers>>,
  passes?: (expected: Numbers, name: string) => Passes,
): string | undefined {
  const lines: string[] = [];
  if (Object.keys(expected).length === 0) lines.push('nothing is expected');
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const [got, wanted] = [actual[name], expected[name]];
    if (!got || !wanted) lines.push(`${name}: ${got ? 'not expected' : 'missing'}`);
    else {
      const difference = tensorDifference(got, wanted, passes?.(wanted, name));
      if (difference !== undefined) lines.push(`${name}: ${difference}`);
    }
  }
  return lines.length > 0 ? lines.join('\n') : undefined;
}
