/**
 * Programs in the form that onnxruntime's CPU kernels (1.30) run fastest, and rightly. What is said of times here was measured with
 * two threads of a processor with AVX-512.
 */
import type { GraphBuilder } from '../../graph/builder';
import { sizeOf, type Value } from '../../graph/graph';
import { ARITHMETIC, COMPARISONS } from '../../graph/ops';
import { eitherWay, produced } from '../../passes/algebraRules';
import { reshapes } from '../../passes/layoutRules';
import { type Rule, ruleFor } from '../../passes/rule';

const isMatrix = (shape: readonly number[]): shape is readonly [number, number] => shape.length === 2;

const turned = (builder: GraphBuilder, x: Value) => builder.emit('Transpose', [x], { perm: [1, 0] });

/** As often an element must be used for moving it beforehand to pay. */
const FEWEST_USES = 256;

/**
 * aᵀ b, as all gradients of weights are, with nothing transposed inside: products of matrices as they are run at 190 to
 * 205 GFLOPS, those with the first one transposed at 145 to 170, for it is turned around again for every 128 columns
 * of the result. A transpose beforehand takes a nanosecond an element.
 */
const transposeFirst = ruleFor(['MatMul'], ({ inputs: [a, b], attributes }, builder) => {
  const { transposeA, transposeB } = attributes;
  if (!transposeA || !isMatrix(a.shape) || !isMatrix(b.shape)) return undefined;
  const [inner, rows] = a.shape;
  const columns = sizeOf(b.shape) / inner;
  // Either a is turned, or b and the result of bᵀ a.
  const turningA = inner * rows;
  const turningB = (transposeB ? 0 : inner * columns) + rows * columns;
  if (inner * rows * columns < FEWEST_USES * Math.min(turningA, turningB)) return undefined;
  if (turningA <= turningB) {
    return builder.emit('MatMul', [turned(builder, a), b], { transposeA: false, transposeB });
  }
  const asItIs = { transposeA: false, transposeB: false };
  return turned(builder, builder.emit('MatMul', [transposeB ? b : turned(builder, b), a], asItIs));
});

/** In bytes: what lies a multiple of it apart shares the few places of one set of the processor's first cache. */
const CACHE_PERIOD = 4096;
const FLOATS_OF_A_CACHE_LINE = 16;

/**
 * a b with a cache line of zeros after each row of a, and zeros under b, where the rows of a would push each other out
 * of the cache: the kernel reads twelve at a time. Measured: 195 GFLOPS become 213, 203 with the copying.
 */
const spreadRows = ruleFor(['MatMul'], ({ inputs: [a, b], attributes }, builder) => {
  const { transposeA, transposeB } = attributes;
  if (transposeA || !isMatrix(a.shape) || !isMatrix(b.shape)) return undefined;
  const [rows, inner] = a.shape;
  const columns = sizeOf(b.shape) / inner;
  if ((4 * inner) % CACHE_PERIOD !== 0 || rows * columns < FEWEST_USES * (rows + columns)) return undefined;
  const padded = (x: Value, axis: number) =>
    builder.emit('Pad', [x], {
      before: [0, 0],
      after: [0, 1].map((i) => (i === axis ? FLOATS_OF_A_CACHE_LINE : 0)),
      value: 0,
    });
  return builder.emit('MatMul', [padded(a, 1), padded(b, transposeB ? 1 : 0)], attributes);
});

/** As many rows and columns make a product faster than a sum. */
const FEWEST_ROWS = 16;
const FEWEST_COLUMNS = 256;

/**
 * Sums over the first axes, as all gradients of biases are, by a product with a row of ones: it reads the matrix as it
 * lies in memory and takes a third of the time of the sum.
 */
const sumByProduct = ruleFor(['ReduceSum'], ({ inputs: [x], attributes }, builder) => {
  if (x.dtype !== 'float32') return undefined;
  const axes = [...attributes.axes].sort((a, b) => a - b);
  const rows = sizeOf(x.shape.slice(0, axes.length));
  const rest = x.shape.slice(axes.length);
  const columns = sizeOf(rest);
  const first = axes.every((axis, i) => axis === i);
  if (!first || rows < FEWEST_ROWS || columns < FEWEST_COLUMNS) return undefined;
  const matrix = builder.emit('Reshape', [x], { shape: [rows, columns] });
  const ones = builder.constant(new Float32Array(rows).fill(1), 'float32', [1, rows]);
  const sums = builder.emit('MatMul', [ones, matrix], { transposeA: false, transposeB: false });
  const shape = attributes.keepDims ? [...axes.map(() => 1), ...rest] : rest;
  return builder.emit('Reshape', [sums], { shape });
});

/** The sum of all squares, as in the norm of a gradient, without writing the squares out. */
const sumOfSquares = ruleFor(['ReduceSum'], ({ inputs: [x], attributes }, builder) => {
  if (attributes.axes.length !== x.shape.length) return undefined;
  const product = produced(x, 'Mul', builder);
  if (!product) return undefined;
  const [a, b] = product.inputs;
  return a.id === b.id ? builder.emit('ReduceSumSquare', [a], attributes) : undefined;
});

/**
 * A number that meets a tensor whose last axes have length 1, as filters of 1x1 have, gets as many axes: with fewer it
 * is met with one element at a time, in 20 times the time.
 */
const scalarOfFullRank = ruleFor(
  [...ARITHMETIC, ...COMPARISONS],
  ({ op, inputs: [a, b], attributes }, builder) => {
    for (const [scalar, tensor] of eitherWay(a, b)) {
      const { length: rank } = tensor.shape;
      if (sizeOf(scalar.shape) !== 1 || scalar.shape.length >= rank || tensor.shape.at(-1) !== 1) continue;
      const full = builder.emit('Reshape', [scalar], { shape: tensor.shape.map(() => 1) });
      return builder.emit(op, scalar === a ? [full, b] : [a, full], attributes);
    }
    return undefined;
  },
);

/** Its own stops at -18, and is right to 3e-8 of 1 before, which is not what a logarithm after it needs. */
const sigmoid = ruleFor(['Sigmoid'], ({ inputs: [x] }, builder) => {
  const odds = builder.emit('Exp', [builder.emit('Neg', [x])]);
  return builder.emit('Reciprocal', [builder.emit('Add', [odds, builder.scalar(1)])]);
});

/** So steep that every positive number that is not denormal reaches 1, and those that are a number that is not. */
const STEEPEST = 3e38;

/** 1 above zero, 0 below and at it, NaN for NaN, in half the time of the sign of a ReLU. */
const step = ruleFor(['Step'], ({ inputs: [x] }, builder) => {
  const steep = (value: Value) => builder.emit('HardSigmoid', [value], { alpha: STEEPEST });
  return steep(steep(x));
});

export const cpuRules: readonly Rule[] = [
  sigmoid,
  step,
  reshapes,
  transposeFirst,
  spreadRows,
  sumOfSquares,
  sumByProduct,
  scalarOfFullRank,
];
