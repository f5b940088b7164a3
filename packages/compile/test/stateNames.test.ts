import { type Branch, flattenTree, type HostTensor, mapTree, plainPath, type Tree } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { compile, exportOnnx } from '../src';
import { eachEngine } from './eachEngine';
import { f32 } from './hostTensors';
import { readOnnx } from './readOnnx';

tf.enableProdMode();

type Tensors = Record<string, tf.Tensor>;
const one = (value: number) => f32([value]);
const isNumber = (node: Tree<number>): node is number => typeof node === 'number';

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'a/b', '', '/', '\\', '\\0', '\\/', '__proto__', '0', '\u0000', '\ud800'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);
const tree = fc.letrec<{ tree: Tree<number> }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc
      .uniqueArray(fc.tuple(name, tie('tree')), { maxLength: 4, selector: ([name]) => name })
      .map((entries) => Object.fromEntries(entries) as Tree<number>),
  ),
})).tree;

test('no two leaves of a tree have the same path, whatever the names', () => {
  fc.assert(
    fc.property(tree, (tree) => {
      const leaves = flattenTree(tree, isNumber);
      expect(new Set(leaves.map(([path]) => path)).size).toBe(leaves.length);
      const byPath = new Map(leaves);
      const again = mapTree<number, number>(tree, isNumber, (_, path) => byPath.get(path)!);
      expect(JSON.stringify(again)).toBe(JSON.stringify(tree));
    }),
  );
  fc.assert(
    fc.property(name, (name) => {
      const [[path]] = flattenTree<number>({ [name]: 1 }, isNumber) as [[string, number]];
      expect(plainPath(path)).toBe(name);
      // Whatever reads it: as UTF-8, as XML, as a C string.
      expect(Buffer.from(path).toString()).toBe(path);
      expect(path).not.toMatch(/\p{Cc}|^$/u);
    }),
  );
  const paths = (tree: Tree<number>) => flattenTree(tree, isNumber).map(([path]) => path);
  expect(paths({ a: { 'blocks.0.w': 1, 'x~y': 2 } })).toEqual(['a/blocks.0.w', 'a/x~y']);
  expect(paths({ 'a/b': 1, a: { b: 2 }, '': 3 })).toEqual(['a\\/b', 'a/b', '\\0']);
});

test('state and outputs come back with the names that they have', () =>
  eachEngine(async (engine) => {
    const names: Branch<HostTensor> = {
      'dense/kernel': one(1),
      dense: { kernel: one(2), '': one(3) },
      '': { dense: one(4) },
      ['__proto__']: one(5),
      'a"\\<&\n\u0000é': one(6),
      empty: {},
    };
    const step = (state: Tree<tf.Tensor>, { x }: Record<'x', tf.Tensor>) => {
      const next = mapTree(
        state,
        (t): t is tf.Tensor => t instanceof tf.Tensor,
        (t) => t.add(x),
      );
      return { state: next, outputs: { 'loss/sum': x.mul(2), loss: { sum: x.mul(3) } } };
    };
    const program = await compile<
      Tree<tf.Tensor>,
      { x: tf.Tensor; [name: string]: tf.Tensor },
      Tree<tf.Tensor>
    >(step, { state: names, inputs: { x: one(0) } }, { engine });
    const outputs = await program.run({ x: one(10) });
    expect(values(outputs)).toBe('{"loss/sum":20,"loss":{"sum":30}}');
    expect(values(await program.readState())).toBe(
      '{"dense/kernel":11,"dense":{"kernel":12,"":13},"":{"dense":14},"__proto__":15,"a\\"\\\\<&\\n\\u0000é":16,"empty":{}}',
    );
    await program.writeState(names);
    await program.run({ x: one(1) });
    expect(values(await program.readState())).toContain('{"dense/kernel":2,"dense":{"kernel":3');
    await expect(program.run({ 'x/y': one(1), x: one(1) })).rejects.toThrow("no input 'x\\/y'");
    await program.dispose();
  }));

/** The one number of each tensor. */
const values = (tree: unknown) =>
  JSON.stringify(
    mapTree<HostTensor, number>(
      tree as Tree<HostTensor>,
      (node): node is HostTensor => ArrayBuffer.isView((node as { data?: unknown }).data),
      ({ data }) => data[0]!,
    ),
  );

test('an exported file has the names given, slashes and all', async () => {
  const dense = (params: Tensors, { x }: Record<'x', tf.Tensor>) => ({
    'dense/out': x.mul(params['dense/kernel']!).add(params['dense\\bias']!),
  });
  const inputs = { x: { dtype: 'float32', shape: ['batch', 1] } } as const;
  const params = { 'dense/kernel': one(1.5), 'dense\\bias': one(2) };
  const file = readOnnx(await exportOnnx(dense, { params, inputs }));
  expect(file.initializers).toEqual(expect.arrayContaining(['dense/kernel', 'dense\\bias']));
  expect(file.outputs).toEqual({ 'dense/out': ['batch', 1] });
  const nameless = exportOnnx(({ '': w }: Tensors, { x }: Record<'x', tf.Tensor>) => ({ y: x.mul(w!) }), {
    params: { '': one(2) },
    inputs,
  });
  await expect(nameless).rejects.toThrow('has no name');
});
