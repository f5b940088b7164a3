/**
 * Peak signal-to-noise ratio of images in [0, 1], dB: -10 log10 of the mean squared error; infinite for equal images.
 *
 * @throws RangeError when there are no values, or not as many of one as of the other
 */
export function psnr(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length || expected.length === 0) {
    throw new RangeError(
      `psnr compares ${actual.length} values with ${expected.length}; expected as many, at least one.`,
    );
  }
  let sum = 0;
  for (let i = 0; i < expected.length; i++) sum += (actual[i]! - expected[i]!) ** 2;
  return -10 * Math.log10(sum / expected.length);
}
