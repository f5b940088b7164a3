import { scalar } from '@beit/tensors';
import fc from 'fast-check';
import { configDifferences } from './config';
import type { TensorTree } from './program';
import { flattenTree, unflattenTree } from './tensorTree';

test('flatten and unflatten are inverse', () => {
  const name = fc.string({ minLength: 1 }).filter((text) => !text.includes('/') && text !== '__proto__');
  const tree = fc.letrec<{ tree: TensorTree }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.integer().map(scalar),
      fc.dictionary(name, tie('tree'), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
    ),
  })).tree;
  const plain = (node: TensorTree): unknown =>
    'dtype' in node && Array.isArray(node.shape)
      ? { ...node }
      : Object.fromEntries(Object.entries(node).map(([key, child]) => [key, plain(child)]));
  fc.assert(
    fc.property(tree, (original) => {
      expect(plain(unflattenTree(flattenTree(original)))).toEqual(plain(original));
    }),
  );
});

test('names that cannot be joined or split are errors', () => {
  expect(() => flattenTree({ params: { 'a/b': scalar(1) } })).toThrow(/"a\/b" in "params"/);
  expect(() => unflattenTree({ a: scalar(1), 'a/b': scalar(1) })).toThrow(/goes through the tensor "a"/);
  expect(() => unflattenTree({ 'a/b': scalar(1), a: scalar(1) })).toThrow(/both a tensor and a group/);
});

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
