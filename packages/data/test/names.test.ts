import fc from 'fast-check';
import { packNames, unpackNames } from '../src/names';

test('names come back, whatever their characters', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (names) => {
      const unpacked = unpackNames(packNames(names));
      expect(Array.from({ length: unpacked.length }, (_, i) => unpacked.at(i))).toEqual(names);
      expect(unpacked.at(names.length)).toBeUndefined();
      expect(unpacked.at(-1)).toBe(names.at(-1));
    }),
  );
});
