import fc from 'fast-check';
import { DALL_E, resolveDvaeConfig } from '../src/dvaeConfig';
import { gridSize } from '../src/gridSize';

const dallE = resolveDvaeConfig(DALL_E);

test('a token is a square of pixels', () => {
  expect(gridSize(dallE, 112)).toEqual([14, 14]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 }), (rows, columns) => {
      expect(gridSize(dallE, [8 * rows, 8 * columns])).toEqual([rows, columns]);
    }),
    { seed: 1 },
  );
});

test.each([[[112, 100]], [0], [Number.NaN], [20.5], [[8, -8]]])('%j has no grid', (imageSize) => {
  expect(() => gridSize(dallE, imageSize as number)).toThrow('expected multiples of 8');
});
