import type { Random } from '@beit/random';
import type { Box } from '../pixels/pixels';
import { between } from './between';

export interface RandomResizedCrop {
  /** Share of the image's area, smallest and largest. BEiT: [0.08, 1]. */
  readonly scale: readonly [number, number];
  /** Width / height, of those of the view, drawn log-uniformly. BEiT: [3/4, 4/3]. */
  readonly aspect: readonly [number, number];
}

export const BEIT_CROP: RandomResizedCrop = { scale: [0.08, 1], aspect: [3 / 4, 4 / 3] };
const ATTEMPTS = 10;

/**
 * A random box; after ten that do not fit, the largest centred one of an allowed aspect. Reference: torchvision
 * RandomResizedCrop, where the aspect of a view that is no square does not count, so that it shows things squeezed.
 *
 * @param proportions width / height of the view
 */
export function randomCropBox(
  width: number,
  height: number,
  { scale, aspect: [narrow, wide] }: RandomResizedCrop,
  random: Random,
  proportions = 1,
): Box {
  const aspect = [narrow * proportions, wide * proportions] as const;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = width * height * between(scale, random);
    const ratio = Math.exp(between([Math.log(aspect[0]), Math.log(aspect[1])], random));
    const w = Math.round(Math.sqrt(area * ratio));
    const h = Math.round(Math.sqrt(area / ratio));
    if (w > 0 && h > 0 && w <= width && h <= height) {
      return { left: random.integer(0, width - w), top: random.integer(0, height - h), width: w, height: h };
    }
  }
  const whole = width / height;
  const w = whole < aspect[0] ? width : whole > aspect[1] ? Math.round(height * aspect[1]) : width;
  const h = whole < aspect[0] ? Math.round(width / aspect[0]) : height;
  return centered(width, height, Math.min(w, width), Math.min(h, height));
}

/** The largest centred box of such proportions, width / height. */
export const centerCropBox = (width: number, height: number, proportions = 1): Box =>
  centered(
    width,
    height,
    Math.min(width, Math.max(1, Math.round(height * proportions))),
    Math.min(height, Math.max(1, Math.round(width / proportions))),
  );

const centered = (width: number, height: number, w: number, h: number): Box => ({
  left: Math.floor((width - w) / 2),
  top: Math.floor((height - h) / 2),
  width: w,
  height: h,
});
