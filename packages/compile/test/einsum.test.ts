import * as tf from '@tensorflow/tfjs';
import { type Case, expectSame } from './expectSame';
import { expectSameExported } from './expectSameExported';
import { f32, i32 } from './hostTensors';

const numbers = (shape: readonly number[], f: (i: number) => number) =>
  Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => f(i));

/** Equations, and the shapes of their operands. */
const EQUATIONS: Record<string, readonly (readonly number[])[]> = {
  'ij,jk->ik': [
    [2, 3],
    [3, 4],
  ],
  'ji,jk->ik': [
    [3, 2],
    [3, 4],
  ],
  'ij,kj->ik': [
    [2, 3],
    [4, 3],
  ],
  'ij,jk->ki': [
    [2, 3],
    [3, 4],
  ],
  'ij->ji': [[2, 3]],
  'ij->': [[2, 3]],
  'ijk->kj': [[2, 3, 4]],
  'i,i->': [[5], [5]],
  'i,j->ij': [[3], [4]],
  'i,j->ji': [[3], [4]],
  'ij,ij->ij': [
    [2, 3],
    [2, 3],
  ],
  'ij,ij->': [
    [2, 3],
    [2, 3],
  ],
  'ij,i->ij': [[2, 3], [2]],
  'ijk,kl->ijl': [
    [2, 3, 4],
    [4, 5],
  ],
  'bqhd,bkhd->bhqk': [
    [2, 3, 2, 4],
    [2, 5, 2, 4],
  ],
  'bhqk,bkhd->bqhd': [
    [2, 2, 3, 5],
    [2, 5, 2, 4],
  ],
  'abc,cbd->ad': [
    [2, 3, 4],
    [4, 3, 5],
  ],
  'abcd,bd->ac': [
    [2, 3, 2, 4],
    [3, 4],
  ],
  'ijx,jk->ik': [
    [2, 3, 2],
    [3, 4],
  ],
  'ij,jk->i': [
    [2, 3],
    [3, 4],
  ],
  ',i->i': [[], [3]],
  'b i j, b j k -> b i k': [
    [2, 2, 3],
    [2, 3, 2],
  ],
};

const CASES: Record<string, Case> = Object.fromEntries(
  Object.entries(EQUATIONS).flatMap(([equation, shapes]): [string, Case][] => {
    const floats = Object.fromEntries(
      shapes.map((shape, i) => [
        `x${i}`,
        f32(
          numbers(shape, (k) => Math.sin(1.7 * k + i)),
          shape,
        ),
      ]),
    );
    const ints = Object.fromEntries(
      shapes.map((shape, i) => [
        `x${i}`,
        i32(
          numbers(shape, (k) => ((7 * k + i) % 13) - 5),
          shape,
        ),
      ]),
    );
    const of = (x: Record<string, tf.Tensor>) => shapes.map((_, i) => x[`x${i}`]!);
    const weighted = (...x: tf.Tensor[]) => {
      const y = tf.einsum(equation, ...x);
      return y.mul(tf.range(1, y.size + 1).reshape(y.shape)).sum() as tf.Scalar;
    };
    return [
      [
        `${equation}, and its gradient`,
        {
          inputs: floats,
          op: (x) => [tf.einsum(equation, ...of(x)), ...tf.grads(weighted)(of(x))],
          tolerance: { absolute: 1e-5, relative: 1e-5 },
        },
      ],
      [`${equation}, of integers`, { inputs: ints, op: (x) => tf.einsum(equation, ...of(x)) }],
    ];
  }),
);

test.each(Object.entries(CASES))('%s', (_name, example) => expectSame(example));

test('sums of operands that share no label', () =>
  expectSame({
    inputs: { x: f32([1, 2, 3, 4, 5, 6], [2, 3]), y: f32([1, 2, 3, 4]) },
    op: ({ x, y }) => tf.einsum('ij,k->', x!, y!),
    // TensorFlow.js leaves an axis where neither operand shares one.
    expected: { y: f32([210], []) },
  }));

test('all of it exported', () => expectSameExported(CASES));
