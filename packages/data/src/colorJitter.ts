import type { Random } from '@beit/random';
import type { PixelKernels } from './pixelKernels';

export interface ColorJitter {
  /** Each factor is drawn from [1 - x, 1 + x]. BEiT: 0.4 each, no hue. */
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
}

export const BEIT_COLOR_JITTER: ColorJitter = { brightness: 0.4, contrast: 0.4, saturation: 0.4 };

/** One of Pillow's ImageEnhance; factor 1 changes nothing. */
export interface Adjustment {
  readonly name: keyof ColorJitter;
  readonly factor: number;
}

/**
 * Brightness, contrast and saturation by random factors, in random order.
 * Reference: torchvision ColorJitter over Pillow's ImageEnhance.
 */
export function drawAdjustments(jitter: ColorJitter, random: Random): Adjustment[] {
  const names = ['brightness', 'contrast', 'saturation'] as const;
  return [...random.permutation(names.length)].flatMap((index) => {
    const name = names[index]!;
    const amount = jitter[name];
    return amount > 0 ? [{ name, factor: random.uniform(Math.max(0, 1 - amount), 1 + amount) }] : [];
  });
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
