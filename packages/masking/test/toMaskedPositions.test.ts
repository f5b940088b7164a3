import fc from 'fast-check';
import { toMaskedPositions } from '../src/toMaskedPositions';

test('positions come first, in order; padding has weight 0', () => {
  const { shape, positions, weights } = toMaskedPositions(
    [Uint8Array.of(0, 1, 0, 1), Uint8Array.of(0, 0, 1, 0)],
    3,
  );
  expect(shape).toEqual([2, 3]);
  expect(positions).toEqual(Int32Array.of(1, 3, 0, 2, 0, 0));
  expect(weights).toEqual(Float32Array.of(1, 1, 0, 1, 0, 0));
});

test('the masks can be read back', () => {
  const mask = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 9, maxLength: 9 });
  fc.assert(
    fc.property(fc.array(mask, { minLength: 1, maxLength: 5 }), (rows) => {
      fc.pre(rows.flat().includes(1));
      const { positions, weights } = toMaskedPositions(
        rows.map((row) => Uint8Array.from(row)),
        9,
      );
      const back = rows.map(() => new Array<number>(9).fill(0));
      weights.forEach((weight, i) => {
        if (weight === 1) back[Math.floor(i / 9)]![positions[i]!]!++;
      });
      expect(back).toEqual(rows);
    }),
    { seed: 1 },
  );
});

test('what cannot be represented is refused', () => {
  expect(() => toMaskedPositions([Uint8Array.of(1, 1)], 1)).toThrow(
    '2 masked patches, more than maxMasked 1',
  );
  expect(() => toMaskedPositions([Uint8Array.of(1), Uint8Array.of(1, 0)], 1)).toThrow('one grid per batch');
  expect(() => toMaskedPositions([Uint8Array.of(0, 255)], 1)).toThrow('holds 255 at patch 1');
  expect(() => toMaskedPositions([Uint8Array.of(0, 0)], 1)).toThrow('0/0');
  expect(() => toMaskedPositions([], 1)).toThrow('Nothing is masked in 0 masks');
  expect(() => toMaskedPositions([Uint8Array.of(1)], 0)).toThrow('maxMasked 0');
});
