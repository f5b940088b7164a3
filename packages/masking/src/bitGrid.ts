/** The masked cells of a grid, one bit each, so that a row of a block is counted in one step. */
export interface BitGrid {
  readonly rows: number;
  readonly columns: number;
  /** 32 columns each; a row has one or more of them. */
  readonly wordsPerRow: number;
  readonly words: Int32Array;
}

/** An empty grid. */
export function createBitGrid(rows: number, columns: number): BitGrid {
  const wordsPerRow = (columns + 31) >> 5;
  return { rows, columns, wordsPerRow, words: new Int32Array(rows * wordsPerRow) };
}

/** The bits of columns `from` up to `to`, not included, in a word whose first column is `first`. */
function spanBits(from: number, to: number, first: number): number {
  const low = Math.max(from - first, 0);
  const high = Math.min(to - first, 32);
  // A shift by 32 is a shift by 0 in JavaScript.
  return (high === 32 ? -1 : (1 << high) - 1) & (-1 << low);
}

/** Set bits of a word (Warren, "Hacker's Delight", section 5-1). */
function countBits(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** How many cells of a block that lies inside the grid are set. */
export function countBlock(grid: BitGrid, top: number, left: number, height: number, width: number): number {
  const { words, wordsPerRow } = grid;
  const right = left + width;
  let count = 0;
  for (let word = left >> 5; word << 5 < right; word++) {
    const bits = spanBits(left, right, word << 5);
    const end = (top + height) * wordsPerRow + word;
    for (let i = top * wordsPerRow + word; i < end; i += wordsPerRow) count += countBits(words[i]! & bits);
  }
  return count;
}

/** Sets the cells of a block that lies inside the grid. */
export function fillBlock(grid: BitGrid, top: number, left: number, height: number, width: number): void {
  const { words, wordsPerRow } = grid;
  const right = left + width;
  for (let word = left >> 5; word << 5 < right; word++) {
    const bits = spanBits(left, right, word << 5);
    const end = (top + height) * wordsPerRow + word;
    for (let i = top * wordsPerRow + word; i < end; i += wordsPerRow) words[i]! |= bits;
  }
}

/** Writes the grid as bytes, `[rows * columns]`, row-major, 1 = set. */
export function writeBytes(grid: BitGrid, out: Uint8Array): void {
  const { columns, words } = grid;
  let cell = 0;
  let i = 0;
  while (cell < out.length) {
    for (let first = 0; first < columns; first += 32) {
      const end = cell + Math.min(columns - first, 32);
      for (let bits = words[i++]!; cell < end; bits >>>= 1) out[cell++] = bits & 1;
    }
  }
}
