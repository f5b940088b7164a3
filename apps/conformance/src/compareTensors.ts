import type { TensorData } from './program';

/**
 * A float32 kernel's own error: relative to each number some hundred roundings, and a tenth of that relative to the
 * largest number of the tensor, since terms that cancel leave the error of the terms.
 */
const RELATIVE = 1e-5;
const OF_LARGEST = 1e-6;
/** Beyond this part of the largest number nothing is rounding, however badly conditioned. */
const CAP = 1e-3;
/** Below, processors may flush to zero. */
const SMALLEST_NORMAL = 2 ** -126;

/**
 * How two tensors differ in a few words, or `undefined` where they don't. Integers, booleans, strings, NaN and
 * infinities must agree exactly; -0 is 0.
 *
 * @param tolerant whether floats may be rounded differently
 * @param spread how much each number changes when kernels before it round differently
 */
export function difference(
  actual: TensorData,
  expected: TensorData,
  tolerant: boolean,
  spread?: ArrayLike<number>,
): string | undefined {
  if (actual.dtype !== expected.dtype) return `dtype ${actual.dtype} instead of ${expected.dtype}`;
  if (`${actual.shape}` !== `${expected.shape}`)
    return `shape [${actual.shape}] instead of [${expected.shape}]`;
  if (actual.data.length !== expected.data.length)
    return `${actual.data.length} numbers instead of ${expected.data.length}`;
  if (expected.dtype === 'string') {
    const same = (expected.data as Uint8Array[]).every((bytes, i) => `${bytes}` === `${actual.data[i]}`);
    return same ? undefined : 'other strings';
  }
  const [wanted, got] = [expected.data as Float32Array, actual.data as Float32Array];
  const float = expected.dtype === 'float32' || expected.dtype === 'complex64';
  let largest = 0;
  for (const number of wanted) if (Number.isFinite(number)) largest = Math.max(largest, Math.abs(number));
  const allowed = (i: number) => {
    if (!tolerant || !float || !Number.isFinite(wanted[i]!)) return 0;
    const conditioning = Math.min(spread?.[i] ?? 0, CAP * largest) || 0;
    return RELATIVE * Math.abs(wanted[i]!) + OF_LARGEST * largest + conditioning + SMALLEST_NORMAL;
  };
  let worst = -1;
  let excess = -1;
  let count = 0;
  for (let i = 0; i < wanted.length; i++) {
    const [a, e] = [got[i]!, wanted[i]!];
    if (a === e || (Number.isNaN(a) && Number.isNaN(e)) || Math.abs(a - e) <= allowed(i)) continue;
    count += 1;
    // What is not finite is worst.
    const error = Number.isFinite(a - e) ? Math.abs(a - e) : Number.POSITIVE_INFINITY;
    if (error > excess) [worst, excess] = [i, error];
  }
  if (count === 0) return undefined;
  const others = count > 1 ? ` (and ${count - 1} others of ${wanted.length})` : '';
  return `${got[worst]} instead of ${wanted[worst]} at ${worst}${others}`;
}
