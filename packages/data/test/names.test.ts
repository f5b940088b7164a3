import fc from 'fast-check';
import { compactNames, packNames, unpackNames } from '../src/sources/names';

test('names come back, whatever their characters', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (names) => {
      const unpacked = unpackNames(packNames(names));
      expect([...unpacked]).toEqual(names);
      expect(Array.from({ length: unpacked.length }, (_, i) => unpacked.at(i))).toEqual(names);
      expect(unpacked.at(names.length)).toBeUndefined();
      expect(unpacked.at(-1)).toBe(names.at(-1));
    }),
  );
});

test('few stay an array, many are packed once', () => {
  expect(compactNames(['a', 'b'])).toEqual(['a', 'b']);
  const many = Array.from({ length: 20_000 }, (_, i) => `${i}.jpg`);
  const names = compactNames(many);
  expect(Array.isArray(names)).toBe(false);
  expect([...names]).toEqual(many);
  expect(packNames(names)).toBe(packNames(names));
});
