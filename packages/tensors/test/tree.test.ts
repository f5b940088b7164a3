import fc from 'fast-check';
import {
  flattenTensors,
  flattenTree,
  type HostTensor,
  isHostTensor,
  scalar,
  type Tree,
  unflattenTree,
} from '../src/index';

const plain = (node: Tree<HostTensor>): unknown =>
  isHostTensor(node)
    ? { ...node }
    : Object.fromEntries(Object.entries(node).map(([key, child]) => [key, plain(child)]));

test('flatten and unflatten are inverse, whatever the names', () => {
  const name = fc.oneof(
    fc.constantFrom('a', 'b', 'a/b', '', '/', '\\', '\\0', '\\/', '0', '\u0000', '\ud800'),
    fc.string({ minLength: 1 }),
  );
  const tree = fc.letrec<{ tree: Tree<HostTensor> }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.integer().map(scalar),
      fc.dictionary(
        name.filter((text) => text !== '__proto__'),
        tie('tree'),
        { minKeys: 1, maxKeys: 3, noNullPrototype: true },
      ),
    ),
  })).tree;
  fc.assert(
    fc.property(tree, (original) => {
      expect(plain(unflattenTree(flattenTree(original, isHostTensor)))).toEqual(plain(original));
      expect(plain(unflattenTree(Object.entries(flattenTensors(original))))).toEqual(plain(original));
    }),
  );
});

test('paths that go through a leaf, or end at a group, are errors', () => {
  const one = scalar(1);
  expect(() =>
    unflattenTree([
      ['a', one],
      ['a/b', one],
    ]),
  ).toThrow(/goes through the tensor "a"/);
  expect(() =>
    unflattenTree([
      ['a/b', one],
      ['a', one],
    ]),
  ).toThrow(/both a tensor and a group/);
});

test('names of what every object has are names as any other', () => {
  const tensors = flattenTensors({ params: { constructor: scalar(1) }, ['__proto__']: scalar(2) });
  expect(Object.keys(tensors)).toEqual(['params/constructor', '__proto__']);
  expect(tensors.toString).toBeUndefined();
  expect(Object.keys(unflattenTree(Object.entries(tensors)))).toEqual(['params', '__proto__']);
});
