import type { TensorData } from './program';

/** What is taken for equal. */
export interface Tolerance {
  /** Of the expected number itself. */
  readonly relative: number;
  /** Of the largest finite magnitude of the tensor. */
  readonly ofLargest: number;
}

/**
 * Float32 rounds to 6e-8 of a number; exp, tan or a long sum lose some digits more, and where large terms cancel what
 * is left has the error of the terms, which are mostly as large as other numbers of the same tensor. Both figures are
 * some twenty roundings.
 */
export const ROUNDING: Tolerance = { relative: 1e-5, ofLargest: 1e-6 };
export const NONE: Tolerance = { relative: 0, ofLargest: 0 };

/**
 * How two tensors differ in a few words, or `undefined` where they don't. Integers, booleans, NaN and infinities must
 * agree exactly; -0 is 0.
 */
export function difference(
  actual: TensorData,
  expected: TensorData,
  { relative, ofLargest }: Tolerance = ROUNDING,
): string | undefined {
  if (actual.dtype !== expected.dtype) return `dtype ${actual.dtype} instead of ${expected.dtype}`;
  if (`${actual.shape}` !== `${expected.shape}`)
    return `shape [${actual.shape}] instead of [${expected.shape}]`;
  if (actual.data.length !== expected.data.length)
    return `${actual.data.length} numbers instead of ${expected.data.length}`;
  if (expected.dtype === 'string') return undefined;
  const wanted = expected.data as Float32Array;
  const got = actual.data as Float32Array;
  const float = expected.dtype === 'float32' || expected.dtype === 'complex64';
  let largest = 0;
  for (const number of wanted) if (Number.isFinite(number)) largest = Math.max(largest, Math.abs(number));
  let worst: number | undefined;
  let excess = 0;
  let count = 0;
  for (let i = 0; i < wanted.length; i++) {
    const [a, e] = [got[i]!, wanted[i]!];
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    const allowed =
      float && Number.isFinite(a) && Number.isFinite(e) ? relative * Math.abs(e) + ofLargest * largest : 0;
    const error = Number.isFinite(a - e) ? Math.abs(a - e) : Number.POSITIVE_INFINITY;
    if (error <= allowed) continue;
    count += 1;
    if (worst === undefined || error - allowed > excess) [worst, excess] = [i, error - allowed];
  }
  if (worst === undefined) return undefined;
  const others = count > 1 ? ` (and ${count - 1} others of ${wanted.length})` : '';
  return `${got[worst]} instead of ${wanted[worst]} at ${worst}${others}`;
}
