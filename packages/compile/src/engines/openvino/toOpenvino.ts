import type { Graph, Value, ValueType } from '../../graph/graph';
import { at, get, mapEach } from '../../graph/lists';
import type { ComparisonOp, Node, ReduceOp } from '../../graph/ops';
import { sliceBounds } from '../../graph/sliceBounds';
import { lowerConv, lowerConvFilterGradient, lowerConvInputGradient } from './convolutions';
import {
  createIrWriter,
  type Ir,
  type IrAttributes,
  type IrType,
  type IrWriter,
  NUMPY,
  type Port,
} from './ir';
import type { IrLowering, OpenvinoOp } from './lowering';
import { openvinoForms } from './openvinoForms';
import { lowerAveragePool, lowerMaxPool, lowerMaxUnpool, lowerUpsampleNearest } from './pooling';
import type { ConstantInput } from './sharedConstants';

/**
 * An op that OpenVINO has with the same meaning.
 *
 * @param opset the one that brought it
 */
const same =
  (type: string, opset: number, attributes: IrAttributes = {}) =>
  (_: Node, inputs: readonly Port[], w: IrWriter): Port =>
    w.emit(type, opset, inputs, attributes);

const TYPES: Readonly<Record<ValueType, IrType>> = {
  float32: 'f32',
  bfloat16: 'bf16',
  int32: 'i32',
  int64: 'i64',
  bool: 'boolean',
};

/**
 * Reductions to two axes and more keep those that they reduce, and a reshape drops them: of `[2, 17, 48]` summed to
 * `[17, 48]` and reshaped to the row `[1, 816]`, OpenVINO 2026.4 loses the reshape.
 */
const reduce: IrLowering<ReduceOp | 'ReduceL2'> = ({ op, attributes: a, outputs: [{ shape }] }, [x], w) => {
  const keep_dims = a.keepDims || shape.length > 1;
  const opset = op === 'ReduceL2' ? 4 : 1;
  const reduced = w.emit(op, opset, [x, w.integers(a.axes)], { keep_dims });
  return keep_dims === a.keepDims ? reduced : w.reshape(reduced, shape);
};

/** A number of a type; whole ones are exact in every integer type. */
function scalar(value: number, dtype: ValueType, w: IrWriter): Port {
  if (dtype === 'float32') return w.float(value);
  if (dtype === 'bfloat16') return w.emit('Convert', 1, [w.float(value)], { destination_type: 'bf16' });
  return w.constant(Int32Array.of(value), TYPES[dtype], []);
}

/** Some of the first axis: a split, of which OpenVINO makes a view and no copy. */
function rows(x: Port, begin: number, end: number, length: number, w: IrWriter): Port {
  const lengths = [begin, end - begin, length - end];
  const used = lengths.filter((n) => n > 0);
  const parts = w.emitAll('VariadicSplit', 1, [x, w.integer(0), w.integers(used)], {}, used.length);
  return at(parts, begin > 0 ? 1 : 0);
}

/**
 * The place of the largest or smallest along an axis, the first of equal ones: of all places that hold the extreme value,
 * counted down from the end, the largest. TopK says which of equal ones only where it is `stable`, for eight times the
 * time. NaN is made the most extreme in front and the least elsewhere. The maximum of nothing but -Infinity is the least
 * finite number for OpenVINO, which no place holds: the place is the first.
 */
const argExtreme: IrLowering<'ArgMax' | 'ArgMin'> = (node, [x], w) => {
  const { op, attributes, inputs, outputs } = node;
  const { axis } = attributes;
  const [[{ dtype, shape }], [{ shape: reduced }]] = [inputs, outputs];
  if (dtype !== 'float32') {
    // Integers are compared as floats, but sorted as what they are.
    const mode = op === 'ArgMax' ? 'max' : 'min';
    const types = { axis, mode, sort: 'value', stable: true, index_element_type: 'i32' };
    return w.reshape(at(w.emitAll('TopK', 11, [x, w.integer(1)], types, 2), 1), reduced);
  }
  const length = at(shape, axis);
  const countdown = Float32Array.from({ length }, (_, place) => length - place);
  const along = shape.map((_, i) => (i === axis ? length : 1));
  const axes = w.integers([axis]);
  const [most, least] =
    op === 'ArgMax'
      ? [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
      : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const forNaN = w.constant(
    Float32Array.from({ length }, (_, place) => (place === 0 ? most : least)),
    'f32',
    along,
  );
  const known = w.emit('Select', 1, [w.emit('Equal', 1, [x, x], NUMPY), x, forNaN], NUMPY);
  const extreme = w.emit(op === 'ArgMax' ? 'ReduceMax' : 'ReduceMin', 1, [known, axes], { keep_dims: true });
  const holds = w.emit('Equal', 1, [known, extreme], NUMPY);
  const places = w.emit(
    'Multiply',
    1,
    [w.emit('Convert', 1, [holds], { destination_type: 'f32' }), w.constant(countdown, 'f32', along)],
    NUMPY,
  );
  const first = w.emit('ReduceMax', 1, [places, axes], { keep_dims: true });
  const index = w.emit('Subtract', 1, [w.float(length), first], NUMPY);
  const held = w.emit('Less', 1, [index, w.float(length)], NUMPY);
  const place = w.emit('Select', 1, [held, index, w.float(0)], NUMPY);
  return w.reshape(w.emit('Convert', 1, [place], { destination_type: 'i32' }), reduced);
};

/** With AVX-512 the kernel of `Greater` has NaN greater than all; that of `Less` is right. */
const swapped =
  (type: string): IrLowering<ComparisonOp> =>
  (_, [a, b], w) =>
    w.emit(type, 1, [b, a], NUMPY);

/**
 * Indices of places in `x`, the first place for those that are none, for which a run fails in the end: GatherND reads
 * outside of the tensor, and ScatterNDUpdate ends the run without an error.
 */
function existing(places: Port, { shape }: Value, x: Value, w: IrWriter): Port {
  const depth = at(shape, -1);
  const limits = w.constant(Int32Array.from(x.shape.slice(0, depth)), 'i32', [depth]);
  const zero = scalar(0, 'int32', w);
  const notBelow = w.emit('LessEqual', 1, [zero, places], NUMPY);
  const inside = w.emit('LogicalAnd', 1, [notBelow, w.emit('Less', 1, [places, limits], NUMPY)], NUMPY);
  return w.emit('Select', 1, [inside, places, zero], NUMPY);
}

const LOWERINGS: { readonly [K in OpenvinoOp]: IrLowering<K> } = {
  Neg: same('Negative', 1),
  Abs: same('Abs', 1),
  Exp: same('Exp', 1),
  Log: same('Log', 1),
  Sqrt: same('Sqrt', 1),
  Erf: same('Erf', 1),
  Tanh: same('Tanh', 1),
  Sigmoid: same('Sigmoid', 1),
  Relu: same('ReLU', 1),
  Softplus: same('SoftPlus', 4),
  Sign: same('Sign', 1),
  Floor: same('Floor', 1),
  Ceil: same('Ceiling', 1),
  Round: same('Round', 5, { mode: 'half_to_even' }),
  Not: same('LogicalNot', 1),
  Gelu: same('Gelu', 7, { approximation_mode: 'ERF' }),
  Sin: same('Sin', 1),
  Cos: same('Cos', 1),
  Tan: same('Tan', 1),
  Asin: same('Asin', 1),
  Acos: same('Acos', 1),
  Atan: same('Atan', 1),
  Sinh: same('Sinh', 1),
  Cosh: same('Cosh', 1),
  Asinh: same('Asinh', 4),
  Acosh: same('Acosh', 4),
  Atanh: same('Atanh', 4),
  Add: same('Add', 1, NUMPY),
  Sub: same('Subtract', 1, NUMPY),
  Mul: same('Multiply', 1, NUMPY),
  Div: same('Divide', 1, { ...NUMPY, m_pythondiv: false }),
  Pow: same('Power', 1, NUMPY),
  Max: same('Maximum', 1, NUMPY),
  Min: same('Minimum', 1, NUMPY),
  And: same('LogicalAnd', 1, NUMPY),
  Or: same('LogicalOr', 1, NUMPY),
  BitwiseAnd: same('BitwiseAnd', 13, NUMPY),
  Less: same('Less', 1, NUMPY),
  LessOrEqual: same('LessEqual', 1, NUMPY),
  Equal: same('Equal', 1, NUMPY),
  Where: same('Select', 1, NUMPY),
  Greater: swapped('Less'),
  GreaterOrEqual: swapped('LessEqual'),
  Reciprocal: (_, [x], w) => w.emit('Divide', 1, [w.float(1), x], { ...NUMPY, m_pythondiv: false }),
  Copy: (_, [x], w) => w.copy(x),
  // OpenVINO 2026.4 does not compile a conversion of one of several outputs, such as a part of a split, to booleans.
  Cast: ({ inputs: [value], attributes: a }, [x], w) =>
    a.dtype === 'bool'
      ? w.emit('NotEqual', 1, [x, scalar(0, value.dtype, w)], NUMPY)
      : w.emit('Convert', 1, [x], { destination_type: TYPES[a.dtype] }),
  Broadcast: ({ attributes: { shape } }, [x], w) =>
    w.emit('Broadcast', 3, [x, w.integers(shape)], { mode: 'numpy' }),
  Reshape: ({ attributes: { shape } }, [x], w) => w.reshape(x, shape),
  Transpose: ({ attributes: { perm } }, [x], w) => w.emit('Transpose', 1, [x, w.integers(perm)]),
  Slice: ({ attributes: a, inputs: [{ shape }] }, [x], w) => {
    const { begin, end, axes, strides } = sliceBounds(a, shape);
    if (axes.length === 1 && axes[0] === 0 && strides[0] === 1) {
      return rows(x, at(begin, 0), at(end, 0), at(shape, 0), w);
    }
    return w.emit('Slice', 8, [x, ...[begin, end, strides, axes].map(w.integers)]);
  },
  Concat: ({ attributes: { axis } }, inputs, w) => w.emit('Concat', 1, inputs, { axis }),
  Pad: ({ attributes: { before, after, value: fill }, inputs: [value] }, [x], w) => {
    const pad = scalar(fill, value.dtype, w);
    return w.emit('Pad', 12, [x, w.integers(before), w.integers(after), pad], { pad_mode: 'constant' });
  },
  Tile: ({ attributes: { repeats } }, [x], w) => w.emit('Tile', 1, [x, w.integers(repeats)]),
  CumSum: ({ attributes: { axis, exclusive, reverse } }, [x], w) =>
    w.emit('CumSum', 3, [x, w.integer(axis)], { exclusive, reverse }),
  ReduceSum: reduce,
  ReduceL2: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ArgMax: argExtreme,
  ArgMin: argExtreme,
  Softmax: same('SoftMax', 8, { axis: -1 }),
  LogSoftmax: same('LogSoftmax', 5, { axis: -1 }),
  // The deviation comes from a norm, which needs no squares written out, and is part of y, so that it is computed here
  // and not where the gradient asks for it: x minus its mean is then all that is kept.
  LayerNorm: ({ inputs: [value], attributes: a }, [x, scale, offset], w) => {
    const width = at(value.shape, -1);
    const last = w.integers([-1]);
    const mean = w.emit('ReduceMean', 1, [x, last], { keep_dims: true });
    const centered = w.emit('Subtract', 1, [x, mean], NUMPY);
    const norm = w.emit('ReduceL2', 4, [centered, last], { keep_dims: true });
    const scaled = w.emit('Multiply', 1, [norm, w.float(width ** -0.5)], NUMPY);
    const variance = w.emit('Multiply', 1, [scaled, scaled], NUMPY);
    const deviation = w.emit('Sqrt', 1, [w.emit('Add', 1, [variance, w.float(a.epsilon)], NUMPY)]);
    const inverse = w.emit('Divide', 1, [w.float(1), deviation], { ...NUMPY, m_pythondiv: false });
    const factor = w.emit('Multiply', 1, [inverse, scale], NUMPY);
    const y = w.emit('Add', 1, [w.emit('Multiply', 1, [centered, factor], NUMPY), offset], NUMPY);
    return [y, mean, inverse];
  },
  MatMul: ({ attributes: a }, inputs, w) =>
    w.emit('MatMul', 1, inputs, { transpose_a: a.transposeA, transpose_b: a.transposeB }),
  Gather: ({ attributes: { axis } }, [x, indices], w) =>
    w.emit('Gather', 8, [x, indices, w.integer(axis)], { batch_dims: 0 }),
  CheckedIndex: ({ inputs: [{ shape }], attributes: { op, limits } }, [indices], w) => {
    const { length } = limits;
    const columns =
      length === 1
        ? [indices]
        : w.emitAll('Split', 1, [indices, w.integer(shape.length - 1)], { num_splits: length }, length);
    columns.forEach((column, i) => {
      w.check(column, { op, limit: at(limits, i) });
    });
    return indices;
  },
  GatherND: ({ inputs: [x, indices] }, [from, places], w) =>
    w.emit('GatherND', 8, [from, existing(places, indices, x, w)], { batch_dims: 0 }),
  ScatterND: ({ inputs: [target, indices], attributes: { reduction } }, [into, places, updates], w) =>
    w.emit('ScatterNDUpdate', 15, [into, existing(places, indices, target, w), updates], {
      reduction: reduction === 'add' ? 'sum' : reduction,
    }),
  TopK: ({ inputs: [value], attributes: { k } }, [x], w) =>
    w.emitAll(
      'TopK',
      11,
      [x, w.integer(k)],
      {
        axis: value.shape.length - 1,
        mode: 'max',
        sort: 'value',
        stable: true,
        index_element_type: 'i32',
      },
      2,
    ),
  ScatterAdd: ({ outputs: [value] }, [x, indices], w) => {
    const zeros = w.emit('Broadcast', 3, [scalar(0, value.dtype, w), w.integers(value.shape)], {
      mode: 'numpy',
    });
    const rows = w.emit('Unsqueeze', 1, [indices, w.integers([1])]);
    return w.emit('ScatterNDUpdate', 15, [zeros, rows, x], { reduction: 'sum' });
  },
  Conv: lowerConv,
  ConvInputGradient: lowerConvInputGradient,
  ConvFilterGradient: lowerConvFilterGradient,
  MaxPool: lowerMaxPool,
  MaxUnpool: lowerMaxUnpool,
  AveragePool: lowerAveragePool,
  UpsampleNearest: lowerUpsampleNearest,
  ResizeBilinear: ({ attributes: { size, coordinates } }, [x], w) =>
    w.emit('Interpolate', 11, [x, w.integers(size), w.integers([1, 2])], {
      mode: 'linear_onnx',
      shape_calculation_mode: 'sizes',
      coordinate_transformation_mode: coordinates,
      antialias: false,
    }),
};

export interface OpenvinoProgram extends Ir {
  /** The names of the parameters, in their order: the graph's own inputs, and the constants. */
  readonly inputs: readonly string[];
  readonly constants: readonly ConstantInput[];
}

/**
 * The graph in OpenVINO's form. Outputs are rows, `[1, size]`, and come in the order in which the graph makes them (see
 * `outputOrder`): both are what lets OpenVINO make one kernel of a whole optimizer update. It fuses no more than one
 * result into a kernel, but views of any number; and only where all that the kernel needs comes before the views in its
 * own order, which begins with the last result.
 *
 * @throws for an op that has no OpenVINO form
 */
export function toOpenvino(program: Graph): OpenvinoProgram {
  const { graph, constants } = openvinoForms(program);
  const writer = createIrWriter();
  const ports = new Map<number, Port>();
  for (const [name, value] of graph.inputs) {
    ports.set(value.id, writer.parameter(name, TYPES[value.dtype], value.shape));
  }
  for (const node of graph.nodes) {
    if (node.op === 'Input') continue;
    const made = portsOf(node, (value) => get(ports, value.id), writer);
    node.outputs.forEach((value, i) => {
      const port = made[i];
      if (port) ports.set(value.id, port);
    });
  }
  for (const name of outputOrder(graph)) {
    const port = get(ports, get(graph.outputs, name).id);
    writer.result(name, writer.reshape(port, [1, -1]));
  }
  return { ...writer.finish(), inputs: [...graph.inputs.keys()], constants };
}

/** The names of the outputs, those that are made first in front. */
function outputOrder({ nodes, outputs }: Graph): string[] {
  const place = new Map(nodes.flatMap((node, i) => node.outputs.map((value) => [value.id, i] as const)));
  return [...outputs]
    .map(([name, value]) => ({ name, place: get(place, value.id) }))
    .sort((a, b) => a.place - b.place)
    .map(({ name }) => name);
}

const hasForm = (node: Node): node is Node<OpenvinoOp> => Object.hasOwn(LOWERINGS, node.op);

/** @param portOf the ports of operands */
function portsOf(node: Node, portOf: (value: Value) => Port, writer: IrWriter): readonly Port[] {
  if (node.op === 'Constant') {
    const [{ dtype, shape }] = node.outputs;
    return [writer.constant(node.attributes.data, TYPES[dtype], shape)];
  }
  if (!hasForm(node)) throw new Error(`The op '${node.op}' has no OpenVINO form.`);
  return [lower(node, portOf, writer)].flat();
}

const lower = <K extends OpenvinoOp>(node: Node<K>, portOf: (value: Value) => Port, writer: IrWriter) =>
  LOWERINGS[node.op](node, mapEach(node.inputs, portOf), writer);
