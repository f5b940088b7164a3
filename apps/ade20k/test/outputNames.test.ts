import fc from 'fast-check';
import { OUTPUTS, outputNames } from '../src/outputNames';

test('names end before the ending, unless another image has that name', () => {
  expect(outputNames(['a.jpg', 'b/a.jpg', 'a.png', 'a.jpg', 'A.tif', 'a.jpg'])).toEqual([
    'a',
    'b/a',
    'a-png',
    'a-jpg',
    'A-tif',
    'a-jpg-2',
  ]);
});

test('nor do the files of one image have the name of those of another', () => {
  expect(outputNames(['a.jpg', 'a-classes.jpg'])).toEqual(['a', 'a-classes-jpg']);
  const name = fc.stringMatching(/^(x\/)?[aA](-classes|-overlay|-png|-jpg|-2)?\.(png|jpg)$/);
  fc.assert(
    fc.property(fc.array(name, { maxLength: 12 }), (names) => {
      const files = outputNames(names).flatMap((path) => OUTPUTS.map((end) => (path + end).toLowerCase()));
      expect(new Set(files).size).toBe(3 * names.length);
    }),
    { seed: 1 },
  );
});
