import fc from 'fast-check';
import { countBlock, createBitGrid, fillBlock, writeBytes } from '../src/bitGrid';

test('counts and fills as a plain byte grid does, with up to three words per row', () => {
  const block = fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat());
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 96 }),
      fc.array(block, { minLength: 1, maxLength: 8 }),
      (rows, columns, blocks) => {
        const grid = createBitGrid(rows, columns);
        const bytes = new Uint8Array(rows * columns);
        for (const [a, b, c, d] of blocks) {
          const top = a % rows;
          const left = b % columns;
          const height = c % (rows - top + 1);
          const width = d % (columns - left + 1);
          const cells = Array.from({ length: height }, (_, i) => (top + i) * columns + left).flatMap(
            (first) => Array.from({ length: width }, (_, j) => first + j),
          );
          expect(countBlock(grid, top, left, height, width)).toBe(
            cells.filter((cell) => bytes[cell] === 1).length,
          );
          fillBlock(grid, top, left, height, width);
          for (const cell of cells) bytes[cell] = 1;
        }
        const out = new Uint8Array(rows * columns).fill(7);
        writeBytes(grid, out);
        expect(out).toEqual(bytes);
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});

test.each([31, 32, 33, 64])('a block as wide as a grid of %d columns', (columns) => {
  const grid = createBitGrid(2, columns);
  fillBlock(grid, 0, 0, 2, columns);
  expect(countBlock(grid, 0, 0, 2, columns)).toBe(2 * columns);
  expect(countBlock(grid, 1, columns - 1, 1, 1)).toBe(1);
});
