import type { HostTensor } from '@beit/tensors';
import type { Picture } from './reportData';

/** What was done to pixels in [0, 1], `(pixel - mean) / std`: numbers for each channel. */
export interface PixelScale {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * One image of a batch as a picture; a gray one in three equal colors.
 *
 * @param images `[batch, height, width, channels]` of 1 or 3 channels
 * @param normalization is undone; left out: pixels are in [0, 1]
 */
export function pictureOf(
  { data: all, shape }: HostTensor,
  index: number,
  { mean, std }: PixelScale = { mean: [0, 0, 0], std: [1, 1, 1] },
): Picture {
  const [, height, width, channels] = shape as [number, number, number, number];
  const own = all.subarray(index * height * width * channels);
  const data = new Float32Array(height * width * 3);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.min(i % 3, channels - 1);
    data[i] = own[Math.floor(i / 3) * channels + channel]! * std[channel]! + mean[channel]!;
  }
  return { width, height, data };
}
