import { type GridTarget, resolveGridTarget } from '../src/gridTarget';

test('a side or two, a number or a ratio', () => {
  expect(resolveGridTarget({ gridSize: 14, numMaskingPatches: 75 })).toEqual({
    rows: 14,
    columns: 14,
    count: 75,
  });
  expect(resolveGridTarget({ gridSize: [10, 10], maskRatio: 0.29 })).toEqual({
    rows: 10,
    columns: 10,
    count: 29,
  });
});

test.each<[GridTarget, string]>([
  [{ gridSize: 14 }, 'give numMaskingPatches (BEiT: 75 of 196) or maskRatio'],
  [{ gridSize: 14, numMaskingPatches: 75, maskRatio: 0.4 }, 'drop one'],
  [{ gridSize: 0, numMaskingPatches: 1 }, 'gridSize 0 is not a grid'],
  [{ gridSize: [14, 14.5], numMaskingPatches: 1 }, 'gridSize [14,14.5] is not a grid'],
  [{ gridSize: [14] as unknown as [number, number], numMaskingPatches: 1 }, 'is not a grid'],
  [{ gridSize: Number.NaN, numMaskingPatches: 1 }, 'is not a grid'],
  [{ gridSize: 100000, numMaskingPatches: 1 }, 'give at most 16777216'],
  [{ gridSize: 14, maskRatio: 40 }, 'maskRatio 40 is not a share'],
  [{ gridSize: 14, maskRatio: 0 }, 'above 0'],
  [{ gridSize: 14, maskRatio: Number.NaN }, 'above 0'],
  [{ gridSize: 14, maskRatio: 0.001 }, 'every mask would be empty'],
  [{ gridSize: 14, numMaskingPatches: 0 }, 'from 1 to 196'],
  [{ gridSize: 14, numMaskingPatches: 197 }, 'from 1 to 196'],
  [{ gridSize: 14, numMaskingPatches: 7.5 }, 'from 1 to 196'],
  [{ gridSize: 14, numMaskingPatches: Number.NaN }, 'from 1 to 196'],
])('%j is refused', (target, message) => {
  expect(() => resolveGridTarget(target)).toThrow(message);
});
