import { largestOf, type Passes, tensorDifference } from '../../../packages/compile/test/tensorDifference';
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
  if (expected.dtype === 'string') {
    const strings = ({ data }: TensorData) =>
      JSON.stringify(Array.from(data as readonly Uint8Array[], String));
    const form = tensorDifference({ ...actual, data: [] }, { ...expected, data: [] });
    return form ?? (strings(actual) === strings(expected) ? undefined : 'other strings');
  }
  const numbers = (tensor: TensorData) => ({ ...tensor, data: tensor.data as Float32Array });
  const [got, wanted] = [numbers(actual), numbers(expected)];
  const largest = largestOf(wanted.data);
  const rounded: Passes = (a, e, i) => {
    const conditioning = Math.min(spread?.[i] ?? 0, CAP * largest) || 0;
    const allowed = RELATIVE * Math.abs(e) + OF_LARGEST * largest + conditioning + SMALLEST_NORMAL;
    return Number.isFinite(e) && Math.abs(a - e) <= allowed;
  };
  return tensorDifference(got, wanted, tolerant ? rounded : undefined);
}
