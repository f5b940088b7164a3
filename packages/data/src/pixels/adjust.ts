import type { PixelKernels } from './pixelKernels';

/** One of Pillow's ImageEnhance; factor 1 changes nothing. */
export interface Adjustment {
  readonly name: 'brightness' | 'contrast' | 'saturation';
  readonly factor: number;
}

/** Pixels one after the other in the kernels' memory. */
interface Span {
  readonly image: number;
  readonly pixels: number;
}

/** One adjustment of the pixels of `change`, in place. Contrast is around the mean gray of those of `mean`. */
export function adjust(
  kernels: PixelKernels,
  { name, factor }: Adjustment,
  { mean, change }: { readonly mean: Span; readonly change: Span },
): void {
  const { image, pixels } = change;
  const factors = blendFactors(factor);
  if (name === 'saturation') kernels.blendWithGray(image, pixels, factors);
  else if (name === 'brightness') kernels.blendWithLevel(image, pixels, 0, factors);
  else {
    const level = Math.trunc(kernels.graySum(mean.image, mean.pixels) / mean.pixels + 0.5);
    kernels.blendWithLevel(image, pixels, level, factors);
  }
}

/** `factor` and 1 - `factor` in 16 bits each, 14 of them after the point: enough for factors from -1 to 2. */
function blendFactors(factor: number): number {
  const ONE = 2 ** 14;
  const own = Math.round(ONE * factor);
  if (!(own > -ONE && own < 2 * ONE)) {
    throw new RangeError(`A factor of ${factor} can't be applied: expected one in (-1, 2).`);
  }
  return ((ONE - own) << 16) | (own & 0xffff);
}
