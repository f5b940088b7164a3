import { constantData } from '../graph/builder';
import type { Graph, Value, ValueType } from '../graph/graph';
import { at, mapEach } from '../graph/lists';
import { forAll, type Node, type ReduceOp } from '../graph/ops';
import { sliceBounds } from '../graph/sliceBounds';
import { rewrite } from '../passes/optimize';
import { lowerConvFilterGradient, lowerConvInputGradient } from './convGradients';
import type { OnnxLowering, OnnxOp, OnnxWriter } from './lowering';
import { onnxRules } from './onnxRules';
import { lowerAveragePool, lowerMaxPool, lowerMaxUnpool } from './pooling';
import { DATA_TYPES, type OnnxInitializer, type OnnxModel, type OnnxNode } from './proto';

/**
 * Ops that ONNX has under the same name, with no attributes. Not derived from `ops.ts`: a new op is missing here, or has a
 * lowering of its own, and the type checker says so.
 */
const SAME = [
  'Neg',
  'Abs',
  'Exp',
  'Log',
  'Sqrt',
  'Reciprocal',
  'Erf',
  'Tanh',
  'Sigmoid',
  'Relu',
  'Softplus',
  'Sign',
  'Floor',
  'Ceil',
  'Round',
  'Not',
  'Gelu',
  'Sin',
  'Cos',
  'Tan',
  'Asin',
  'Acos',
  'Atan',
  'Sinh',
  'Cosh',
  'Asinh',
  'Acosh',
  'Atanh',
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Pow',
  'Max',
  'Min',
  'And',
  'Or',
  'BitwiseAnd',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'Equal',
  'Where',
] as const satisfies readonly OnnxOp[];
const same: OnnxLowering<(typeof SAME)[number]> = ({ op }, inputs, outputs, w) =>
  w.emitInto(outputs, op, inputs);

const reduce: OnnxLowering<ReduceOp | 'ReduceSumSquare'> = ({ op, attributes: a }, [x], outputs, w) =>
  w.emitInto(outputs, op, [x, w.integers(a.axes)], { keepdims: a.keepDims ? 1 : 0 });

/** Along the only axis onnxruntime takes another way, in which it follows NaN: a row of a matrix is right. */
const argExtreme: OnnxLowering<'ArgMax' | 'ArgMin'> = (node, [x], outputs, w) => {
  const { op, attributes, inputs } = node;
  const [{ shape }] = inputs;
  const only = shape.length === 1;
  const row = only ? w.emit('Reshape', [x, w.integers([1, ...shape])]) : x;
  const index = w.emit(op, [row], { axis: only ? 1 : attributes.axis, keepdims: 0 });
  const place = only ? w.emit('Squeeze', [index, w.integers([0])]) : index;
  w.emitInto(outputs, 'Cast', [place], { to: DATA_TYPES.int32 });
};

const lastAxis: OnnxLowering<'Softmax' | 'LogSoftmax'> = ({ op }, inputs, outputs, w) =>
  w.emitInto(outputs, op, inputs, { axis: -1 });

const LOWERINGS: { readonly [K in OnnxOp]: OnnxLowering<K> } = {
  ...forAll(SAME, same),
  HardSigmoid: ({ attributes: a }, inputs, outputs, w) =>
    w.emitInto(outputs, 'HardSigmoid', inputs, { alpha: { float: a.alpha }, beta: { float: 0 } }),
  Mod: (_, inputs, outputs, w) => w.emitInto(outputs, 'Mod', inputs, { fmod: 1 }),
  Cast: ({ attributes: a }, inputs, outputs, w) =>
    w.emitInto(outputs, 'Cast', inputs, { to: DATA_TYPES[a.dtype] }),
  Broadcast: ({ attributes: a }, [x], outputs, w) => w.emitInto(outputs, 'Expand', [x, w.integers(a.shape)]),
  // A size of 0 would mean the one that is there.
  Reshape: ({ attributes: { shape } }, [x], outputs, w) =>
    w.emitInto(outputs, 'Reshape', [x, w.integers(shape)], shape.includes(0) ? { allowzero: 1 } : {}),
  Transpose: ({ attributes: { perm } }, inputs, outputs, w) =>
    w.emitInto(outputs, 'Transpose', inputs, { perm }),
  Slice: ({ attributes: a, inputs: [value] }, [x], outputs, w) => {
    const { begin, end, axes, strides } = sliceBounds(a, value.shape);
    w.emitInto(outputs, 'Slice', [x, ...[begin, end, axes, strides].map(w.integers)]);
  },
  Concat: ({ attributes: { axis } }, inputs, outputs, w) => w.emitInto(outputs, 'Concat', inputs, { axis }),
  Pad: ({ attributes: a, inputs: [value] }, [x], outputs, w) => {
    const pads = w.integers([...a.before, ...a.after]);
    w.emitInto(outputs, 'Pad', [x, pads, w.scalar(a.value, value.dtype)]);
  },
  Tile: ({ attributes: a }, [x], outputs, w) => w.emitInto(outputs, 'Tile', [x, w.integers(a.repeats)]),
  CumSum: ({ attributes: a }, [x], outputs, w) =>
    w.emitInto(outputs, 'CumSum', [x, w.integers([a.axis])], {
      exclusive: a.exclusive ? 1 : 0,
      reverse: a.reverse ? 1 : 0,
    }),
  ReduceSum: reduce,
  ReduceSumSquare: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ArgMax: argExtreme,
  ArgMin: argExtreme,
  Softmax: lastAxis,
  LogSoftmax: lastAxis,
  LayerNorm: ({ attributes: a }, inputs, outputs, w) =>
    w.emitInto(outputs, 'LayerNormalization', inputs, { axis: -1, epsilon: { float: a.epsilon } }),
  MatMul: ({ inputs: [a, b], attributes }, [x, y], outputs, w) => {
    const transA = attributes.transposeA ? 1 : 0;
    const transB = attributes.transposeB ? 1 : 0;
    if (!transA && !transB) w.emitInto(outputs, 'MatMul', [x, y]);
    // Products of integers are not transposed inside.
    else if (a.dtype !== 'float32') {
      const turned = (name: string, { shape }: Value) => {
        const axes = [...shape.keys()];
        return w.emit('Transpose', [name], { perm: [...axes.slice(0, -2), at(axes, -1), at(axes, -2)] });
      };
      w.emitInto(outputs, 'MatMul', [transA ? turned(x, a) : x, transB ? turned(y, b) : y]);
    } else if (a.shape.length === 2 && b.shape.length === 2)
      w.emitInto(outputs, 'Gemm', [x, y], { transA, transB });
    else w.emitInto(outputs, 'FusedMatMul', [x, y], { transA, transB }, 'com.microsoft');
  },
  Gather: ({ attributes: { axis } }, inputs, outputs, w) => w.emitInto(outputs, 'Gather', inputs, { axis }),
  // A negative one would count from the end; an index past the end is an error of every op that takes indices.
  CheckedIndex: ({ attributes: { limits } }, [indices], outputs, w) => {
    const below = w.emit('Less', [indices, w.scalar(0, 'int32')]);
    const past = limits.length === 1 ? w.scalar(at(limits, 0), 'int32') : w.indices(limits);
    w.emitInto(outputs, 'Where', [below, past, indices]);
  },
  GatherND: (_, [x, indices], outputs, w) =>
    w.emitInto(outputs, 'GatherND', [x, w.emit('Cast', [indices], { to: DATA_TYPES.int64 })]),
  ScatterND: ({ attributes: { reduction } }, [target, indices, updates], outputs, w) => {
    const places = w.emit('Cast', [indices], { to: DATA_TYPES.int64 });
    w.emitInto(outputs, 'ScatterND', [target, places, updates], { reduction });
  },
  TopK: ({ attributes: { k } }, [x], [values, indices], w) => {
    // Its first output must have a name.
    const [largest, places] = [values || `${indices}/values`, `${values || indices}/places`];
    w.emitInto([largest, places], 'TopK', [x, w.integers([k])], { axis: -1, largest: 1, sorted: 1 });
    if (indices) w.emitInto([indices], 'Cast', [places], { to: DATA_TYPES.int32 });
  },
  ScatterAdd: ({ outputs: [value] }, [x, indices], outputs, w) => {
    const zeros = w.emit('Expand', [w.scalar(0, value.dtype), w.integers(value.shape)]);
    const rows = w.emit('Unsqueeze', [w.emit('Cast', [indices], { to: DATA_TYPES.int64 }), w.integers([1])]);
    w.emitInto(outputs, 'ScatterND', [zeros, rows, x], { reduction: 'add' });
  },
  Conv: ({ attributes: { pads, strides, dilations, group } }, inputs, outputs, w) =>
    w.emitInto(outputs, 'Conv', inputs, { pads, strides, dilations, group }),
  ConvInputGradient: lowerConvInputGradient,
  ConvFilterGradient: lowerConvFilterGradient,
  MaxPool: lowerMaxPool,
  MaxUnpool: lowerMaxUnpool,
  AveragePool: lowerAveragePool,
  UpsampleNearest: ({ outputs: [value] }, [x], outputs, w) =>
    w.emitInto(outputs, 'Resize', [x, '', '', w.integers(value.shape)], {
      mode: 'nearest',
      nearest_mode: 'floor',
      coordinate_transformation_mode: 'asymmetric',
    }),
  ResizeBilinear: ({ attributes: a, outputs: [value] }, [x], outputs, w) =>
    w.emitInto(outputs, 'Resize', [x, '', '', w.integers(value.shape)], {
      mode: 'linear',
      coordinate_transformation_mode: a.coordinates,
    }),
};

const hasForm = (node: Node): node is Node<OnnxOp> => Object.hasOwn(LOWERINGS, node.op);

function lower<K extends OnnxOp>(
  node: Node<K>,
  nameOf: (value: Value) => string,
  nameOfOutput: (value: Value) => string,
  writer: OnnxWriter,
): void {
  const outputs = mapEach(node.outputs, nameOfOutput);
  LOWERINGS[node.op](node, mapEach(node.inputs, nameOf), outputs, writer);
}

/** ONNX has no name for a value that nobody uses. */
function usedValues(graph: Graph): Set<number> {
  const used = new Set([...graph.outputs.values()].map((value) => value.id));
  for (const node of graph.nodes) for (const input of node.inputs) used.add(input.id);
  return used;
}

/** @throws for an op that has no ONNX form */
export function toOnnx(program: Graph): OnnxModel {
  const graph = rewrite(program, onnxRules);
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, OnnxInitializer>();
  const names = new Map<number, string>();
  const used = usedValues(graph);
  let count = 0;
  const fresh = () => `t${count++}`;

  function constant(dtype: ValueType, shape: readonly number[], values: readonly number[]): string {
    const name = `${dtype}_${shape.length > 0 ? `${shape}_` : ''}${values.map((x) => (Object.is(x, -0) ? '-0' : x))}`;
    initializers.set(name, { name, dtype, shape, data: constantData(dtype, values) });
    return name;
  }

  const writer: OnnxWriter = {
    emit(op, inputs, attributes, domain) {
      const output = fresh();
      nodes.push({ op, inputs, outputs: [output], attributes, domain });
      return output;
    },
    emitInto(outputs, op, inputs, attributes, domain) {
      nodes.push({ op, inputs, outputs: trimmed(outputs), attributes, domain });
    },
    integers(values) {
      const name = `i_${values.join('_')}`;
      initializers.set(name, {
        name,
        dtype: 'int64',
        shape: [values.length],
        data: BigInt64Array.from(values, BigInt),
      });
      return name;
    },
    float: (value) => constant('float32', [], [value]),
    scalar: (value, dtype) => constant(dtype, [], [value]),
    indices: (values) => constant('int32', [values.length], values),
  };

  for (const [name, value] of graph.inputs) names.set(value.id, name);
  // A value made inside that is one output is made under that output's name; any other use of a name is a copy.
  const made = new Set(
    graph.nodes
      .filter(({ op }) => op !== 'Input' && op !== 'Constant')
      .flatMap((n) => n.outputs.map((v) => v.id)),
  );
  const copies: [output: string, value: Value][] = [];
  for (const [output, value] of graph.outputs) {
    if (made.has(value.id) && !names.has(value.id)) names.set(value.id, output);
    else copies.push([output, value]);
  }

  const nameOf = (value: Value) => {
    const name = names.get(value.id) ?? fresh();
    names.set(value.id, name);
    return name;
  };
  const nameOfOutput = (value: Value) => (used.has(value.id) ? nameOf(value) : '');
  for (const node of graph.nodes) {
    if (node.op === 'Input') continue;
    if (node.op === 'Constant') {
      const [value] = node.outputs;
      const name = nameOf(value);
      const { dtype, shape } = value;
      initializers.set(name, { name, dtype, shape, data: node.attributes.data });
    } else if (hasForm(node)) lower(node, nameOf, nameOfOutput, writer);
    else throw new Error(`The op '${node.op}' has no ONNX form.`);
  }
  for (const [output, value] of copies) writer.emitInto([output], 'Identity', [nameOf(value)]);

  const tensor = (name: string, { dtype, shape }: Value) => ({ name, dtype, shape });
  return {
    nodes,
    initializers: [...initializers.values()],
    inputs: [...graph.inputs].map(([name, value]) => tensor(name, value)),
    outputs: [...graph.outputs].map(([name, value]) => tensor(name, value)),
  };
}

function trimmed(outputs: readonly string[]): readonly string[] {
  const last = outputs.findLastIndex((name) => name !== '');
  return outputs.slice(0, last + 1);
}
