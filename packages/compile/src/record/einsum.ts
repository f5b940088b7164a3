import * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import { sizeOf, type Value, type ValueType } from '../graph/graph';
import { at } from '../graph/lists';
import { cast } from './casts';
import { type ListOfOperands, reshape, transpose } from './kernelParts';

/** A tensor whose axes have labels. */
interface Labelled {
  readonly value: Value;
  readonly labels: string;
}

const without = (labels: string, others: string) =>
  [...labels].filter((label) => !others.includes(label)).join('');
const shared = (labels: string, others: string) =>
  [...labels].filter((label) => others.includes(label)).join('');

/** The same in another order of its axes. */
function ordered(b: GraphBuilder, { value, labels }: Labelled, order: string): Value {
  const perm = [...order].map((label) => labels.indexOf(label));
  return perm.every((axis, i) => axis === i) ? value : transpose(b, value, perm);
}

/** Summed over the axes that are not among `kept`. */
function summed(b: GraphBuilder, x: Labelled, kept: string): Labelled {
  const axes = [...x.labels].flatMap((label, axis) => (kept.includes(label) ? [] : [axis]));
  if (axes.length === 0) return x;
  return {
    value: b.emit('ReduceSum', [x.value], { axes, keepDims: false }),
    labels: shared(x.labels, kept),
  };
}

/**
 * A product of two tensors, summed over the labels that both have and the result lacks: a matrix product for each value of
 * the labels that all three have.
 */
function contraction(b: GraphBuilder, x: Labelled, y: Labelled, result: string): Value {
  const both = shared(x.labels, y.labels);
  const batch = shared(result, both);
  const inner = without(both, result);
  const rows = shared(result, without(x.labels, both));
  const columns = shared(result, without(y.labels, both));
  const size = (label: string) =>
    x.labels.includes(label)
      ? at(x.value.shape, x.labels.indexOf(label))
      : at(y.value.shape, y.labels.indexOf(label));
  const sizes = (labels: string) => [...labels].map(size);
  const of = (value: Value, ...groups: string[]) =>
    reshape(b, value, [...sizes(batch), ...groups.map((labels) => sizeOf(sizes(labels)))]);
  // As far as possible in the order that they have: products take either.
  const last = (labels: string, group: string) => group !== '' && group.includes(labels.at(-1)!);
  const transposeA = last(x.labels, rows) && inner !== '' && x.value.dtype === 'float32';
  const transposeB = last(y.labels, inner) && x.value.dtype === 'float32';
  const [a1, a2] = transposeA ? [inner, rows] : [rows, inner];
  const [b1, b2] = transposeB ? [columns, inner] : [inner, columns];
  const left = of(ordered(b, x, batch + a1 + a2), a1, a2);
  const right = of(ordered(b, y, batch + b1 + b2), b1, b2);
  const product =
    inner === ''
      ? b.emit('Mul', [left, right])
      : x.value.dtype === 'float32'
        ? b.emit('MatMul', [left, right], { transposeA, transposeB })
        : // Engines multiply matrices of integers as floats.
          b.emit('ReduceSum', [b.emit('Mul', [of(left, rows, inner, ''), of(right, '', inner, columns)])], {
            axes: [batch.length + 1],
            keepDims: false,
          });
  const value = reshape(b, product, sizes(batch + rows + columns));
  return ordered(b, { value, labels: batch + rows + columns }, result);
}

const upcast = (a: ValueType, other: ValueType) =>
  tf.upcastType(a as tf.DataType, other as tf.DataType) as ValueType;

const termsOf = (equation: string): [terms: string[], result: string] => {
  const [operands, result] = equation.replace(/\s/g, '').split('->') as [string, string];
  return [operands.split(','), result];
};

/** Sums of products by labels of axes, such as `bqhd,bkhd->bhqk`. */
export const einsum = (inputs: ListOfOperands, { equation }: tf.EinsumAttrs, b: GraphBuilder): Value => {
  const values = Object.values(inputs);
  // Checks the equation and the sizes.
  const { allDims, idDims } = tf.backend_util.decodeEinsumEquation(equation, values.length);
  tf.backend_util.checkEinsumDimSizes(
    allDims.length,
    idDims,
    values.map(({ shape }) => ({ shape: [...shape] }) as unknown as tf.Tensor),
  );
  const [terms, result] = termsOf(equation);
  if (new Set(result).size < result.length) {
    throw new Error(`Einsum '${equation}' has a label twice in its result; expected each once.`);
  }
  const dtype = values.map((value) => value.dtype).reduce(upcast);
  const operands = values.map((value, i) => ({ value: cast(b, value, dtype), labels: at(terms, i) }));
  // What one operand alone has, and the result lacks, is summed beforehand.
  const [x, y] = operands.map((operand, i) =>
    summed(b, operand, result + operands.filter((_, other) => other !== i).map(({ labels }) => labels)),
  );
  if (!x) throw new Error(`Einsum '${equation}' of nothing.`);
  return y ? contraction(b, x, y, result) : ordered(b, x, result);
};

/**
 * The gradient of `einsum`, which TensorFlow.js does not have: for each operand, the einsum of the result's gradient and the
 * other operand.
 */
export function registerEinsumGradient(): void {
  if (tf.getGradient('Einsum')) return;
  tf.registerGradient({
    kernelName: 'Einsum',
    saveAllInputs: true,
    gradFunc: (dy, saved, attrs) => {
      const equation = (attrs as unknown as { equation: string }).equation;
      const [terms, result] = termsOf(equation);
      const gradients = saved.map((x, i) => () => {
        const own = at(terms, i);
        const others = saved.flatMap((value, other) => {
          if (other === i) return [];
          // What only the other operand has is summed here: TensorFlow.js's einsum gives such results wrong shapes.
          const labels = at(terms, other);
          const axes = [...labels].flatMap((label, axis) => ((result + own).includes(label) ? [] : [axis]));
          return [
            { value: axes.length > 0 ? tf.sum(value, axes) : value, labels: shared(labels, result + own) },
          ];
        });
        const labels = [result, ...others.map((other) => other.labels)];
        // What is summed within the operand itself has the same gradient along it.
        const known = shared(own, labels.join(''));
        const values = others.map(({ value }) => value);
        const gradient = tf.einsum(`${labels}->${known}`, dy as tf.Tensor, ...values);
        if (known === own) return gradient;
        const shape = [...own].map((label, axis) => (known.includes(label) ? at(x.shape, axis) : 1));
        return tf.broadcastTo(gradient.reshape(shape), x.shape);
      });
      return Object.fromEntries(gradients.map((gradient, i) => [i, gradient]));
    },
  });
}
