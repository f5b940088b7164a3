import type { Random } from '@beit/random';
import { type ImageSize, imageSides } from '@beit/tensors';

/** A rectangle of a training image is overwritten with noise. */
export interface RandomErasing {
  /** How often. BEiT: 0.25. */
  readonly probability: number;
  /** Share of the area. timm: [0.02, 1 / 3]. */
  readonly area: readonly [number, number];
  /** Height / width is from `aspect` to 1 / `aspect`, log-uniform. timm: 0.3. */
  readonly aspect: number;
}

/** BEiT's and DeiT's: noise per pixel, one rectangle. */
export const BEIT_ERASING: RandomErasing = { probability: 0.25, area: [0.02, 1 / 3], aspect: 0.3 };
const ATTEMPTS = 10;

/**
 * Random erasing with a draw from N(0, 1) for each number of the rectangle, in place.
 * Paper: Zhong et al., arXiv 1708.04896. Reference: timm data/random_erasing.py, mode "pixel".
 *
 * @param image `[height, width, channels]`, normalized
 */
export function eraseRandomly(
  image: Float32Array,
  imageSize: ImageSize,
  { probability, area, aspect }: RandomErasing,
  random: Random,
): void {
  if (random.uniform() >= probability) return;
  const [rows, columns] = imageSides(imageSize);
  const channels = image.length / (rows * columns);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const pixels = random.uniform(...area) * rows * columns;
    const ratio = Math.exp(random.uniform(Math.log(aspect), -Math.log(aspect)));
    const height = Math.round(Math.sqrt(pixels * ratio));
    const width = Math.round(Math.sqrt(pixels / ratio));
    if (width >= columns || height >= rows) continue;
    const top = random.integer(0, rows - height);
    const left = random.integer(0, columns - width);
    for (let y = top; y < top + height; y++) {
      const begin = channels * (y * columns + left);
      for (let i = begin; i < begin + channels * width; i++) image[i] = random.normal();
    }
    return;
  }
}
