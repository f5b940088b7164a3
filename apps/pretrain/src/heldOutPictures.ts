import { evenlySpread, type Picture } from '@beit/report';
import type { HostTensor } from '@beit/tensors';
import type { HeldOut } from './heldOut';
import type { PretrainRecipe } from './recipe';

const GREY = 0.62;

/** One image of a batch, as a picture in [0, 1]. */
export function pictureOf(
  tensor: HostTensor,
  index: number,
  denormalize: (x: number, channel: number) => number = (x) => x,
): Picture {
  const [, height, width] = tensor.shape as [number, number, number];
  const size = height * width * 3;
  const data = (tensor.data as Float32Array)
    .slice(index * size, (index + 1) * size)
    .map((x, i) => denormalize(x, i % 3));
  return { width, height, data };
}

/** With the masked patches grey. */
export function greyed(
  picture: Picture,
  mask: Uint8Array,
  [rows, columns]: readonly [number, number],
): Picture {
  const data = picture.data.slice();
  for (let i = 0; i < picture.width * picture.height; i++) {
    const row = Math.floor((Math.floor(i / picture.width) * rows) / picture.height);
    const column = Math.floor(((i % picture.width) * columns) / picture.width);
    if (mask[row * columns + column] === 1) data.fill(GREY, 3 * i, 3 * i + 3);
  }
  return { ...picture, data };
}

/** Normalized pixels back to [0, 1]. */
export const denormalizer =
  ({ views: { normalization } }: PretrainRecipe) =>
  (x: number, channel: number) =>
    x * normalization.std[channel]! + normalization.mean[channel]!;

const EXAMPLES = 8;

/** The examples of the report: some images, evenly spread, as batch and place in it. */
export const spreadOver = ({ count, batchSize }: HeldOut): (readonly [batch: number, index: number])[] =>
  evenlySpread(EXAMPLES, count).map((index) => [Math.floor(index / batchSize), index % batchSize]);
