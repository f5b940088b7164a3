import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { isInstalled } from '../../../tooling/jest/whereInstalled';
import { countOps, hasNativeBfloat16, optimize, trace } from '../src';
import { toBfloat16 } from '../src/passes/precision';
import type { OfTensors } from './ofTensors';

tf.enableProdMode();
type Tensors = Record<string, tf.Tensor>;
const spec = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;

function inBfloat16<N extends string>(
  f: (inputs: Record<N, tf.Tensor>) => tf.Tensor,
  inputs: Record<N, ReturnType<typeof spec>>,
) {
  const program: OfTensors<tf.Tensor> = f;
  const step = (state: Tensors, given: Tensors) => ({ state, outputs: { y: program(given) } });
  const { graph } = trace<Tensors, Tensors, Tensors>(step, {}, inputs);
  return optimize(toBfloat16(optimize(graph), { sumsAsProducts: true }));
}
/** The dtypes that the first node of an op takes. */
const dtypesInto = (graph: ReturnType<typeof inBfloat16>, op: string) =>
  graph.nodes.find((node) => node.op === op)?.inputs.map(({ dtype }) => dtype);

test('a matrix product takes bfloat16, and what follows float32', () => {
  const graph = inBfloat16(({ a, b }) => tf.matMul(a, b).exp(), { a: spec(4, 3), b: spec(3, 5) });
  expect(dtypesInto(graph, 'MatMul')).toEqual(['bfloat16', 'bfloat16']);
  expect(dtypesInto(graph, 'Exp')).toEqual(['float32']);
  expect(graph.outputs.get('outputs/y')?.dtype).toBe('float32');
});

test('what moves elements between two products moves them in bfloat16', () => {
  const graph = inBfloat16(
    ({ a, b }) => tf.matMul(tf.matMul(a, b).reshape([2, 10]).transpose().slice([1, 0], [4, 2]), a, true),
    { a: spec(4, 3), b: spec(3, 5) },
  );
  const moves = graph.nodes.filter(({ op }) => ['Reshape', 'Transpose', 'Slice'].includes(op));
  expect(moves.length).toBeGreaterThan(0);
  for (const { inputs } of moves) expect(inputs.map(({ dtype }) => dtype)).toEqual(['bfloat16']);
});

test('nothing but products and convolutions is computed in bfloat16', () => {
  const graph = inBfloat16(
    ({ a, b }) => {
      const logits = tf.matMul(a, b);
      return tf.softmax(logits).mul(logits.sum(1, true)).add(logits.mean());
    },
    { a: spec(4, 3), b: spec(3, 5) },
  );
  const narrow = graph.nodes.filter(({ inputs }) => inputs.some(({ dtype }) => dtype === 'bfloat16'));
  expect(new Set(narrow.map(({ op }) => op))).toEqual(new Set(['MatMul', 'Cast']));
});

test('attention is kept in bfloat16 between its products, with a scale that is a power of two', () => {
  const attend =
    (scale: number) =>
    ({ q, v }: Record<'q' | 'v', tf.Tensor>) =>
      tf.matMul(tf.softmax(tf.matMul(q, q, false, true).mul(scale)), v);
  const dtypes = (scale: number) =>
    dtypesInto(inBfloat16(attend(scale), { q: spec(4, 3), v: spec(4, 3) }), 'Softmax');
  expect([0.125, 1].map(dtypes)).toEqual([['bfloat16'], ['bfloat16']]);
  expect([0.3, -0.5].map(dtypes)).toEqual([['float32'], ['float32']]);
});

test('the gradient of a bias is a product with ones where the rows are multiplied anyway', () => {
  const step = ({ x, w, b }: Record<'x' | 'w' | 'b', tf.Tensor>) => {
    const y = (bias: tf.Tensor) => tf.matMul(x, w).add(bias).square();
    const dy = tf.matMul(x, w).add(b).mul(2);
    return tf
      .grad((bias: tf.Tensor) => y(bias).sum())(b)
      .add(tf.matMul(dy, x, true).sum());
  };
  const counts = countOps(inBfloat16(step, { x: spec(128, 8), w: spec(8, 8), b: spec(8) }));
  expect(counts.MatMul).toBe(3);
});

const told = process.platform === 'linux' && process.arch === 'x64' ? test : test.skip;
told('whether the processor has bfloat16 is what Linux says of it', async () => {
  if (!isInstalled('OpenVINO')) {
    expect(await hasNativeBfloat16()).toBe(false);
    return;
  }
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))![1]!.split(' ');
  expect(await hasNativeBfloat16()).toBe(flags.includes('avx512_bf16') || flags.includes('amx_bf16'));
});
