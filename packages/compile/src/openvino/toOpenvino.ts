import type { ConstantData, Graph, Node, Value, ValueType } from '../graph/graph';
import { flag, number, numbers, sliceBounds } from '../graph/ops';
import { lowerConv, lowerConvFilterGradient, lowerConvInputGradient } from './convolutions';
import { createIrWriter, type Ir, type IrType, type IrWriter, NUMPY, type Port } from './ir';
import { openvinoForms } from './openvinoForms';
import { lowerAveragePool, lowerMaxPool, lowerMaxUnpool, lowerUpsampleNearest } from './pooling';
import type { ConstantInput } from './sharedConstants';

/** What a node becomes: the ports of its outputs. */
export type IrLowering = (node: Node, inputs: readonly Port[], writer: IrWriter) => Port | readonly Port[];

/** Ops that OpenVINO has with the same meaning: its name, the opset that brought it, attributes. */
const SAME: Readonly<Record<string, readonly [type: string, opset: number, attributes?: object]>> = {
  Neg: ['Negative', 1],
  Abs: ['Abs', 1],
  Exp: ['Exp', 1],
  Log: ['Log', 1],
  Sqrt: ['Sqrt', 1],
  Erf: ['Erf', 1],
  Tanh: ['Tanh', 1],
  Sigmoid: ['Sigmoid', 1],
  Relu: ['ReLU', 1],
  Softplus: ['SoftPlus', 4],
  Sign: ['Sign', 1],
  Floor: ['Floor', 1],
  Ceil: ['Ceiling', 1],
  Round: ['Round', 5, { mode: 'half_to_even' }],
  Not: ['LogicalNot', 1],
  Gelu: ['Gelu', 7, { approximation_mode: 'ERF' }],
  Sin: ['Sin', 1],
  Cos: ['Cos', 1],
  Tan: ['Tan', 1],
  Asin: ['Asin', 1],
  Acos: ['Acos', 1],
  Atan: ['Atan', 1],
  Sinh: ['Sinh', 1],
  Cosh: ['Cosh', 1],
  Asinh: ['Asinh', 4],
  Acosh: ['Acosh', 4],
  Atanh: ['Atanh', 4],
  Add: ['Add', 1, NUMPY],
  Sub: ['Subtract', 1, NUMPY],
  Mul: ['Multiply', 1, NUMPY],
  Div: ['Divide', 1, { ...NUMPY, m_pythondiv: false }],
  Pow: ['Power', 1, NUMPY],
  Max: ['Maximum', 1, NUMPY],
  Min: ['Minimum', 1, NUMPY],
  And: ['LogicalAnd', 1, NUMPY],
  Or: ['LogicalOr', 1, NUMPY],
  BitwiseAnd: ['BitwiseAnd', 13, NUMPY],
  Less: ['Less', 1, NUMPY],
  LessOrEqual: ['LessEqual', 1, NUMPY],
  Equal: ['Equal', 1, NUMPY],
  Where: ['Select', 1, NUMPY],
};

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
const reduce: IrLowering = ({ op, attributes: a, outputs }, [x], w) => {
  const { shape } = outputs[0]!;
  const keep_dims = flag(a, 'keepDims') || shape.length > 1;
  const opset = op === 'ReduceL2' ? 4 : 1;
  const reduced = w.emit(op, opset, [x!, w.integers(numbers(a, 'axes'))], { keep_dims });
  if (keep_dims === flag(a, 'keepDims')) return reduced;
  return w.reshape(reduced, shape);
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
  return parts[begin > 0 ? 1 : 0]!;
}

/**
 * The place of the largest or smallest along an axis, the first of equal ones: of all places that hold the extreme value,
 * counted down from the end, the largest. TopK says which of equal ones only where it is `stable`, for eight times the
 * time. NaN is made the most extreme in front and the least elsewhere. The maximum of nothing but -Infinity is the least
 * finite number for OpenVINO, which no place holds: the place is the first.
 */
const argExtreme: IrLowering = ({ op, inputs, attributes: a, outputs }, [x], w) => {
  const axis = number(a, 'axis');
  if (inputs[0]!.dtype !== 'float32') {
    // Integers are compared as floats, but sorted as what they are.
    const mode = op === 'ArgMax' ? 'max' : 'min';
    const types = { axis, mode, sort: 'value', stable: true, index_element_type: 'i32' };
    const [, place] = w.emitAll('TopK', 11, [x!, w.integer(1)], types, 2);
    return w.reshape(place!, outputs[0]!.shape);
  }
  const { shape } = inputs[0]!;
  const length = shape[axis]!;
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
  const known = w.emit('Select', 1, [w.emit('Equal', 1, [x!, x!], NUMPY), x!, forNaN], NUMPY);
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
  return w.reshape(w.emit('Convert', 1, [place], { destination_type: 'i32' }), outputs[0]!.shape);
};

/** With AVX-512 the kernel of `Greater` has NaN greater than all; that of `Less` is right. */
const swapped =
  (type: string): IrLowering =>
  (_, [a, b], w) =>
    w.emit(type, 1, [b!, a!], NUMPY);
/**
 * Indices of places in `x`, the first place for those that are none, for which a run fails in the end: GatherND reads
 * outside of the tensor, and ScatterNDUpdate ends the run without an error.
 */
function existing(places: Port, { shape }: Value, x: Value, w: IrWriter): Port {
  const limits = w.constant(Int32Array.from(x.shape.slice(0, shape.at(-1))), 'i32', [shape.at(-1)!]);
  const zero = scalar(0, 'int32', w);
  const notBelow = w.emit('LessEqual', 1, [zero, places], NUMPY);
  const inside = w.emit('LogicalAnd', 1, [notBelow, w.emit('Less', 1, [places, limits], NUMPY)], NUMPY);
  return w.emit('Select', 1, [inside, places, zero], NUMPY);
}

const LOWERINGS: Readonly<Record<string, IrLowering>> = {
  Greater: swapped('Less'),
  GreaterOrEqual: swapped('LessEqual'),
  Reciprocal: (_, [x], w) => w.emit('Divide', 1, [w.float(1), x!], { ...NUMPY, m_pythondiv: false }),
  Copy: (_, [x], w) => w.copy(x!),
  // OpenVINO 2026.4 does not compile a conversion of one of several outputs, such as a part of a split, to booleans.
  Cast: ({ inputs: [value], attributes: a }, [x], w) =>
    a.dtype === 'bool'
      ? w.emit('NotEqual', 1, [x!, scalar(0, value!.dtype, w)], NUMPY)
      : w.emit('Convert', 1, [x!], { destination_type: TYPES[a.dtype as ValueType] }),
  Broadcast: ({ attributes: a }, [x], w) =>
    w.emit('Broadcast', 3, [x!, w.integers(numbers(a, 'shape'))], { mode: 'numpy' }),
  Reshape: ({ attributes: a }, [x], w) => w.reshape(x!, numbers(a, 'shape')),
  Transpose: ({ attributes: a }, [x], w) => w.emit('Transpose', 1, [x!, w.integers(numbers(a, 'perm'))]),
  Slice: ({ attributes: a, inputs: [value] }, [x], w) => {
    const { begin, end, axes, strides } = sliceBounds(a, value!.shape);
    if (axes.length === 1 && axes[0] === 0 && strides[0] === 1) {
      return rows(x!, begin[0]!, end[0]!, value!.shape[0]!, w);
    }
    return w.emit('Slice', 8, [x!, ...[begin, end, strides, axes].map(w.integers)]);
  },
  Concat: ({ attributes: a }, inputs, w) => w.emit('Concat', 1, inputs, { axis: number(a, 'axis') }),
  Pad: ({ attributes: a, inputs: [value] }, [x], w) => {
    const pad = scalar(number(a, 'value'), value!.dtype, w);
    return w.emit('Pad', 12, [x!, w.integers(numbers(a, 'before')), w.integers(numbers(a, 'after')), pad], {
      pad_mode: 'constant',
    });
  },
  Tile: ({ attributes: a }, [x], w) => w.emit('Tile', 1, [x!, w.integers(numbers(a, 'repeats'))]),
  CumSum: ({ attributes: a }, [x], w) =>
    w.emit('CumSum', 3, [x!, w.integer(number(a, 'axis'))], {
      exclusive: flag(a, 'exclusive'),
      reverse: flag(a, 'reverse'),
    }),
  ReduceSum: reduce,
  ReduceL2: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ArgMax: argExtreme,
  ArgMin: argExtreme,
  Softmax: (_, [x], w) => w.emit('SoftMax', 8, [x!], { axis: -1 }),
  LogSoftmax: (_, [x], w) => w.emit('LogSoftmax', 5, [x!], { axis: -1 }),
  // The deviation comes from a norm, which needs no squares written out, and is part of y, so that it is computed here
  // and not where the gradient asks for it: x minus its mean is then all that is kept.
  LayerNorm: ({ inputs: [value], attributes: a }, [x, scale, offset], w) => {
    const width = value!.shape.at(-1)!;
    const last = w.integers([-1]);
    const mean = w.emit('ReduceMean', 1, [x!, last], { keep_dims: true });
    const centered = w.emit('Subtract', 1, [x!, mean], NUMPY);
    const norm = w.emit('ReduceL2', 4, [centered, last], { keep_dims: true });
    const scaled = w.emit('Multiply', 1, [norm, w.float(width ** -0.5)], NUMPY);
    const variance = w.emit('Multiply', 1, [scaled, scaled], NUMPY);
    const deviation = w.emit('Sqrt', 1, [w.emit('Add', 1, [variance, w.float(number(a, 'epsilon'))], NUMPY)]);
    const inverse = w.emit('Divide', 1, [w.float(1), deviation], { ...NUMPY, m_pythondiv: false });
    const factor = w.emit('Multiply', 1, [inverse, scale!], NUMPY);
    const y = w.emit('Add', 1, [w.emit('Multiply', 1, [centered, factor], NUMPY), offset!], NUMPY);
    return [y, mean, inverse];
  },
  MatMul: ({ attributes: a }, inputs, w) =>
    w.emit('MatMul', 1, inputs, { transpose_a: flag(a, 'transposeA'), transpose_b: flag(a, 'transposeB') }),
  Gather: ({ attributes: a }, [x, indices], w) =>
    w.emit('Gather', 8, [x!, indices!, w.integer(number(a, 'axis'))], { batch_dims: 0 }),
  CheckedIndex: ({ inputs: [value], attributes: a }, [indices], w) => {
    const limits = numbers(a, 'limits');
    const op = a.op as string;
    if (limits.length === 1) w.check(indices!, { op, limit: limits[0]! });
    else {
      const axis = value!.shape.length - 1;
      const columns = w.emitAll(
        'Split',
        1,
        [indices!, w.integer(axis)],
        { num_splits: limits.length },
        limits.length,
      );
      columns.forEach((column, i) => {
        w.check(column, { op, limit: limits[i]! });
      });
    }
    return indices!;
  },
  GatherND: ({ inputs: [x, indices] }, [from, places], w) =>
    w.emit('GatherND', 8, [from!, existing(places!, indices!, x!, w)], { batch_dims: 0 }),
  ScatterND: ({ inputs: [target, indices], attributes: a }, [into, places, updates], w) =>
    w.emit('ScatterNDUpdate', 15, [into!, existing(places!, indices!, target!, w), updates!], {
      reduction: a.reduction === 'add' ? 'sum' : (a.reduction as string),
    }),
  TopK: ({ inputs: [value], attributes: a }, [x], w) =>
    w.emitAll(
      'TopK',
      11,
      [x!, w.integer(number(a, 'k'))],
      {
        axis: value!.shape.length - 1,
        mode: 'max',
        sort: 'value',
        stable: true,
        index_element_type: 'i32',
      },
      2,
    ),
  ScatterAdd: ({ outputs: [value] }, [x, indices], w) => {
    const zeros = w.emit('Broadcast', 3, [scalar(0, value!.dtype, w), w.integers(value!.shape)], {
      mode: 'numpy',
    });
    const rows = w.emit('Unsqueeze', 1, [indices!, w.integers([1])]);
    return w.emit('ScatterNDUpdate', 15, [zeros, rows, x!], { reduction: 'sum' });
  },
  Conv: lowerConv,
  ConvInputGradient: lowerConvInputGradient,
  ConvFilterGradient: lowerConvFilterGradient,
  MaxPool: lowerMaxPool,
  MaxUnpool: lowerMaxUnpool,
  AveragePool: lowerAveragePool,
  UpsampleNearest: lowerUpsampleNearest,
  ResizeBilinear: ({ attributes: a }, [x], w) =>
    w.emit('Interpolate', 11, [x!, w.integers(numbers(a, 'size')), w.integers([1, 2])], {
      mode: 'linear_onnx',
      shape_calculation_mode: 'sizes',
      coordinate_transformation_mode: a.coordinates as string,
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
    const made = lower(
      node,
      node.inputs.map((value) => ports.get(value.id)!),
      writer,
    );
    node.outputs.forEach((value, i) => {
      ports.set(value.id, made[i]!);
    });
  }
  for (const name of outputOrder(graph)) {
    const value = ports.get(graph.outputs.get(name)!.id)!;
    writer.result(name, writer.reshape(value, [1, -1]));
  }
  return { ...writer.finish(), inputs: [...graph.inputs.keys()], constants };
}

/** The names of the outputs, those that are made first in front. */
function outputOrder({ nodes, outputs }: Graph): string[] {
  const place = new Map(nodes.flatMap((node, i) => node.outputs.map((value) => [value.id, i] as const)));
  return [...outputs]
    .map(([name, value]) => ({ name, place: place.get(value.id)! }))
    .sort((a, b) => a.place - b.place)
    .map(({ name }) => name);
}

function lower(node: Node, inputs: readonly Port[], writer: IrWriter): readonly Port[] {
  if (node.op === 'Constant') {
    const { dtype, shape } = node.outputs[0]!;
    return [writer.constant(node.attributes.data as ConstantData, TYPES[dtype], shape)];
  }
  const same = SAME[node.op];
  if (same) return [writer.emit(same[0], same[1], inputs, same[2] as Record<string, string>)];
  const lowering = LOWERINGS[node.op];
  if (!lowering) throw new Error(`The op '${node.op}' has no OpenVINO form.`);
  const made = lowering(node, inputs, writer);
  return Array.isArray(made) ? (made as Port[]) : [made as Port];
}
