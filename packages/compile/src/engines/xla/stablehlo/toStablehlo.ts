import type { Graph, Node, Value } from '../../../graph/graph';
import { at, get, mapEach } from '../../../graph/lists';
import { forAll, type ReduceOp } from '../../../graph/ops';
import type { IndexCheck } from '../../../passes/checkedIndices';
import { rewrite } from '../../../passes/optimize';
import type { Precision } from '../../../types';
import { lowerConv, lowerConvFilterGradient, lowerConvInputGradient } from './convolutions';
import { ELEMENTWISE } from './elementwise';
import { INDEXING, take } from './indexing';
import type { Lowering, LoweringWriter, XlaOp } from './lowering';
import { lowerMatMul } from './products';
import { stablehloRules } from './stablehloRules';
import { lowerAveragePool, lowerCumSum, lowerMaxPool, lowerMaxUnpool } from './windows';
import { type Attributes, createStablehloWriter, i64, i64s, type Ref } from './writer';

/** What a reduction goes on with, and with what it begins. */
const REDUCTIONS = {
  ReduceSum: ['add', 0],
  ReduceProd: ['multiply', 1],
  ReduceMax: ['maximum', Number.NEGATIVE_INFINITY],
  ReduceMin: ['minimum', Number.POSITIVE_INFINITY],
} as const satisfies { readonly [K in ReduceOp]?: readonly [op: string, initial: number] };

/** The nearest int32. */
const within32Bits = (x: number) => Math.min(Math.max(x, -(2 ** 31)), 2 ** 31 - 1);

const reduce: Lowering<keyof typeof REDUCTIONS> = ({ op, attributes: { axes }, outputs: [y] }, [x], w) => {
  const [reducer, initial] = REDUCTIONS[op];
  const first = x.dtype === 'int32' ? within32Bits(initial) : initial;
  return w.reshape(w.reduce(reducer, x, axes, first), y.shape);
};

/** Reduces the last axis and keeps it. */
const alongLast = (op: string, x: Ref, initial: number, w: LoweringWriter): Ref => {
  const last = x.shape.length - 1;
  return w.broadcast(w.reshape(w.reduce(op, x, [last], initial), [...x.shape.slice(0, last), 1]), x.shape);
};

/** Less the largest of the last axis, in float32. */
const belowLargest = (x: Ref, w: LoweringWriter): Ref => {
  const wide = w.convert(x, 'float32');
  return w.emit('subtract', [wide, alongLast('maximum', wide, Number.NEGATIVE_INFINITY, w)], wide);
};

const slice: Lowering<'Slice'> = ({ attributes: { begin, strides }, outputs: [y] }, [x], w) => {
  const backwards = [...strides.keys()].filter((axis) => at(strides, axis) < 0);
  const turned = backwards.length === 0 ? x : w.emit('reverse', [x], x, { dimensions: i64s(backwards) });
  const starts = begin.map((start, axis) => (at(strides, axis) < 0 ? at(x.shape, axis) - 1 - start : start));
  return w.slice(turned, starts, y.shape, strides.map(Math.abs));
};

/** Every axis repeated: its places one after the other (`tile`), or each place for itself (`each`). */
function repeated(x: Ref, repeats: readonly number[], how: 'tile' | 'each', w: LoweringWriter): Ref {
  const both = (a: number, b: number) => (how === 'tile' ? [a, b] : [b, a]);
  const kept = x.shape.flatMap((dim) => both(1, dim));
  const wide = x.shape.flatMap((dim, i) => both(at(repeats, i), dim));
  return w.reshape(
    w.broadcast(w.reshape(x, kept), wide),
    x.shape.map((dim, i) => dim * at(repeats, i)),
  );
}

/** Where the pixels of a resized axis are in the old one: the two beside each, and the weight of the second. */
function sources(from: number, to: number, coordinates: 'half_pixel' | 'asymmetric' | 'align_corners') {
  const scale = coordinates === 'align_corners' && to > 1 ? (from - 1) / (to - 1) : from / to;
  const places = Array.from({ length: to }, (_, i) =>
    Math.min(Math.max(coordinates === 'half_pixel' ? (i + 0.5) * scale - 0.5 : i * scale, 0), from - 1),
  );
  const lower = places.map(Math.floor);
  return {
    lower: Int32Array.from(lower),
    upper: Int32Array.from(lower, (place) => Math.min(place + 1, from - 1)),
    weights: Float32Array.from(places, (place, i) => place - at(lower, i)),
  };
}

const resizeBilinear: Lowering<'ResizeBilinear'> = (node, [image], w) => {
  const {
    attributes: { size, coordinates },
  } = node;
  return [1, 2].reduce((x, axis, i) => {
    const [from, to] = [at(x.shape, axis), at(size, i)];
    if (from === to) return x;
    const { lower, upper, weights } = sources(from, to, coordinates);
    const shape = x.shape.map((dim, a) => (a === axis ? to : dim));
    const taken = (places: Int32Array) =>
      take([x, w.constant(places, { dtype: 'int32', shape: [to] })], axis, w);
    const [first, second] = [taken(lower), taken(upper)];
    const weight = w.broadcast(
      w.constant(weights, { dtype: 'float32', shape: shape.map((_, a) => (a === axis ? to : 1)) }),
      shape,
    );
    const difference = w.emit('subtract', [second, first], first);
    return w.emit('add', [first, w.emit('multiply', [difference, weight], first)], first);
  }, image);
};

const LOWERINGS: { readonly [K in XlaOp]: Lowering<K> } = {
  ...ELEMENTWISE,
  ...INDEXING,
  ...forAll(['ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceProd'], reduce),
  Copy: (_, [x], w) => w.emit('optimization_barrier', [x], x),
  Broadcast: ({ attributes: { shape } }, [x], w) => w.broadcast(x, shape),
  Reshape: ({ attributes: { shape } }, [x], w) => w.reshape(x, shape),
  Transpose: ({ attributes: { perm } }, [x], w) => w.transpose(x, perm),
  Slice: slice,
  Concat: ({ attributes: { axis }, outputs: [y] }, parts, w) =>
    w.emit('concatenate', parts, y, { dimension: i64(axis) }),
  Pad: ({ attributes: { before, after, value } }, [x], w) => w.pad(x, before, after, value),
  Tile: ({ attributes: { repeats } }, [x], w) => repeated(x, repeats, 'tile', w),
  UpsampleNearest: ({ attributes: { factors } }, [x], w) => repeated(x, [1, 1, ...factors], 'each', w),
  CumSum: lowerCumSum,
  Softmax: (_, [x], w) => {
    const below = belowLargest(x, w);
    const powers = w.emit('exponential', [below], below);
    return w.convert(w.emit('divide', [powers, alongLast('add', powers, 0, w)], powers), x.dtype);
  },
  LogSoftmax: (_, [x], w) => {
    const below = belowLargest(x, w);
    const sum = alongLast('add', w.emit('exponential', [below], below), 0, w);
    return w.convert(w.emit('subtract', [below, w.emit('log', [sum], sum)], below), x.dtype);
  },
  LayerNorm: ({ attributes: { epsilon } }, [x, scale, offset], w) => {
    const last = x.shape.length - 1;
    const rows = [...x.shape.slice(0, last), 1];
    const meanOf = (y: Ref) => {
      const sum = w.reshape(w.reduce('add', y, [last], 0), rows);
      return w.emit('divide', [sum, w.filled(at(x.shape, last), sum)], sum);
    };
    const mean = meanOf(x);
    const centered = w.emit('subtract', [x, w.broadcast(mean, x.shape)], x);
    const variance = meanOf(w.emit('multiply', [centered, centered], x));
    const inverse = w.emit(
      'rsqrt',
      [w.emit('add', [variance, w.filled(epsilon, variance)], variance)],
      variance,
    );
    const normed = w.emit('multiply', [centered, w.broadcast(inverse, x.shape)], x);
    const scaled = w.emit('multiply', [normed, w.broadcast(scale, x.shape)], x);
    return [w.emit('add', [scaled, w.broadcast(offset, x.shape)], x), mean, inverse];
  },
  MatMul: lowerMatMul,
  Conv: lowerConv,
  ConvInputGradient: lowerConvInputGradient,
  ConvFilterGradient: lowerConvFilterGradient,
  MaxPool: lowerMaxPool,
  MaxUnpool: lowerMaxUnpool,
  AveragePool: lowerAveragePool,
  ResizeBilinear: resizeBilinear,
};

export interface StablehloProgram {
  readonly text: string;
  /** What the last output is about, where there are any: the smallest and the largest index of each, two numbers. */
  readonly checks: readonly IndexCheck[];
  /** Paths of the state that the program writes over what it was given. */
  readonly overwritten: readonly string[];
}

export interface StablehloOptions {
  /** How exactly float32 operands of products are multiplied: with `tf32` as the device likes it best. Default: `fp32`. */
  readonly precision?: Precision;
  /** What it is to run on, such as `cpu`: the form that products take depends on it. Default: any. */
  readonly platform?: string;
  /** Devices that the program is split over. Default: 1. */
  readonly numDevices?: number;
  /** The axis along which they share an input or an output, by its name; `undefined`: each has all of it. */
  readonly splitOf?: (name: string) => number | undefined;
}

/**
 * The graph as StableHLO. Arguments are its inputs and results its outputs, in their order; and one result more where
 * indices are checked. The next state is written over the old one: XLA keeps what it still needs of that.
 *
 * @throws for an op that has no form in StableHLO
 */
export function toStablehlo(
  program: Graph,
  { precision = 'fp32', platform, numDevices = 1, splitOf = () => undefined }: StablehloOptions = {},
): StablehloProgram {
  const graph = rewrite(program, stablehloRules);
  // Shardy's: https://openxla.org/shardy/sdy_dialect
  const writer = createStablehloWriter(numDevices > 1 ? [`sdy.mesh @devices = <["all"=${numDevices}]>`] : []);
  const sharding = ({ shape }: Pick<Value, 'shape'>, split?: number): Attributes => {
    if (numDevices === 1) return {};
    const axes = shape.map((_, axis) => (axis === split ? '{"all"}' : '{}'));
    return { 'sdy.sharding': `#sdy.sharding<@devices, [${axes.join(', ')}]>` };
  };
  const exactness = `#stablehlo<precision ${precision === 'tf32' ? 'DEFAULT' : 'HIGHEST'}>`;
  const bounds: Ref[] = [];
  const checks: IndexCheck[] = [];
  const w: LoweringWriter = {
    ...writer,
    platform,
    precision: `[${Array(2).fill(exactness).join(', ')}]`,
    check(indices, check) {
      const axes = [...indices.shape.keys()];
      for (const [op, initial] of [
        ['minimum', 2 ** 31 - 1],
        ['maximum', -(2 ** 31)],
      ] as const) {
        bounds.push(writer.reshape(writer.reduce(op, indices, axes, initial), [1]));
      }
      checks.push(check);
    },
  };
  const outputNames = [...graph.outputs.keys()];
  const overwritten: string[] = [];
  const refs = new Map<number, Ref>();
  for (const [name, value] of graph.inputs) {
    const path = name.startsWith('state/') ? name.slice('state/'.length) : undefined;
    const output = path === undefined ? -1 : outputNames.indexOf(`next/${path}`);
    if (path !== undefined && output >= 0) overwritten.push(path);
    const place: Attributes = output >= 0 ? { 'tf.aliasing_output': `${output} : i32` } : {};
    refs.set(value.id, writer.argument(value, { ...place, ...sharding(value, splitOf(name)) }));
  }
  for (const node of graph.nodes) {
    if (node.op === 'Input') continue;
    const made = refsOf(node, (value) => get(refs, value.id), w);
    node.outputs.forEach((value, i) => {
      const ref = made[i];
      if (ref) refs.set(value.id, ref);
    });
  }
  const outputs = [...graph.outputs].map(([name, value]) => ({
    value: get(refs, value.id),
    attributes: sharding(value, splitOf(name)),
  }));
  if (checks.length > 0) {
    const type = { dtype: 'int32', shape: [bounds.length] } as const;
    const value = writer.emit('concatenate', bounds, type, { dimension: i64(0) });
    outputs.push({ value, attributes: sharding(value) });
  }
  return { text: writer.finish(outputs), checks, overwritten };
}

const hasForm = (node: Node): node is Node<XlaOp> => Object.hasOwn(LOWERINGS, node.op);

function refsOf(node: Node, refOf: (value: Value) => Ref, w: LoweringWriter): readonly (Ref | undefined)[] {
  if (node.op === 'Constant') return [w.constant(node.attributes.data, node.outputs[0])];
  if (!hasForm(node)) throw new Error(`The op '${node.op}' has no StableHLO form.`);
  return [lower(node, refOf, w)].flat();
}

const lower = <K extends XlaOp>(node: Node<K>, refOf: (value: Value) => Ref, w: LoweringWriter) =>
  LOWERINGS[node.op](node, mapEach(node.inputs, refOf), w);
