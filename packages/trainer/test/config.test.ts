import fc from 'fast-check';
import { configDifferences } from '../src/config';

test('differences of configurations are named by path', () => {
  const saved = { a: { b: [1, 2] }, same: 'x', gone: true, text: 'y'.repeat(200) };
  const current = { a: { b: [1, 3] }, same: 'x', fresh: undefined, text: 'z' };
  expect(configDifferences(saved, current)).toEqual([
    'a.b.1: 2 in the checkpoint, 3 now',
    'gone: true in the checkpoint, absent now',
    `text: "${'y'.repeat(76)}... in the checkpoint, "z" now`,
  ]);
  expect(configDifferences({ a: {} }, { a: [] })).toEqual(['a: {} in the checkpoint, [] now']);
  fc.assert(fc.property(fc.jsonValue(), (value) => expect(configDifferences(value, value)).toEqual([])));
});
