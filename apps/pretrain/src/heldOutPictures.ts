import { evenlySpread, type Picture } from '@beit/report';
import type { HeldOut } from './heldOut';

const GREY = 0.62;

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

const EXAMPLES = 8;

/** The examples of the report: some images, evenly spread, as batch and place in it. */
export const spreadOver = ({ count, batchSize }: HeldOut): (readonly [batch: number, index: number])[] =>
  evenlySpread(EXAMPLES, count).map((index) => [Math.floor(index / batchSize), index % batchSize]);
