import type { HostTensor } from '@beit/tensors';

/** Rows of the first factor whose products are summed up together, in registers. `multiplyPacked` is written for it. */
export const ROWS = 2;
/** Columns of the second factor, likewise. */
export const COLUMNS = 4;

/**
 * Writes `size` rows from `first` on, each times its scale, into `packed` from `at` on: their first numbers, then their
 * second ones, and so on. Rows that are not there are zeros.
 */
export function packRows(
  { data, shape }: HostTensor,
  scales: Float64Array,
  first: number,
  size: number,
  packed: Float64Array,
  at: number,
): void {
  const [rows, d] = shape as readonly [number, number];
  for (let r = 0; r < size; r++) {
    const there = first + r < rows;
    const row = there ? data.subarray((first + r) * d, (first + r + 1) * d) : undefined;
    const scale = there ? scales[first + r]! : 0;
    for (let j = 0; j < d; j++) packed[at + j * size + r] = row ? row[j]! * scale : 0;
  }
}

/**
 * The products of all rows of a block with the rows of a panel, `[rows, COLUMNS]`; faster than one by one, since every
 * number that is read serves several sums. Each is summed up in order, so that it does not depend on its neighbours.
 *
 * @param block rows, packed by `ROWS`
 * @param panel `COLUMNS` rows, packed
 * @param rows how many the block has; an odd number writes one row of products more
 */
export function multiplyPacked(
  block: Float64Array,
  panel: Float64Array,
  products: Float64Array,
  rows: number,
  d: number,
): void {
  const end = COLUMNS * d;
  for (let i = 0; i < rows; i += ROWS) {
    let a0 = 0;
    let a1 = 0;
    let a2 = 0;
    let a3 = 0;
    let b0 = 0;
    let b1 = 0;
    let b2 = 0;
    let b3 = 0;
    for (let x = i * d, y = 0; y < end; x += ROWS, y += COLUMNS) {
      const a = block[x]!;
      const b = block[x + 1]!;
      const t0 = panel[y]!;
      const t1 = panel[y + 1]!;
      const t2 = panel[y + 2]!;
      const t3 = panel[y + 3]!;
      a0 += a * t0;
      a1 += a * t1;
      a2 += a * t2;
      a3 += a * t3;
      b0 += b * t0;
      b1 += b * t1;
      b2 += b * t2;
      b3 += b * t3;
    }
    const at = i * COLUMNS;
    products[at] = a0;
    products[at + 1] = a1;
    products[at + 2] = a2;
    products[at + 3] = a3;
    products[at + 4] = b0;
    products[at + 5] = b1;
    products[at + 6] = b2;
    products[at + 7] = b3;
  }
}
