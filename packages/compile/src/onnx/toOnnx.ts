import type { ConstantData, Graph, Node, Value, ValueType } from '../graph/graph';
import { flag, number, numbers, sliceBounds } from '../graph/ops';
import { rewrite } from '../passes/optimize';
import { lowerConvFilterGradient, lowerConvInputGradient } from './convGradients';
import { onnxRules } from './onnxRules';
import { lowerAveragePool, lowerMaxPool, lowerMaxUnpool } from './pooling';
import type { OnnxAttribute, OnnxInitializer, OnnxModel, OnnxNode, OnnxType } from './proto';

/** Writes ONNX nodes one after the other, and names what they make. */
export interface OnnxWriter {
  /** One node; its outputs are named here. An output that nobody asked for is not computed. */
  emit(
    op: string,
    inputs: readonly string[],
    attributes?: Record<string, OnnxAttribute>,
    domain?: string,
  ): string;
  emitInto(
    outputs: readonly string[],
    op: string,
    inputs: readonly string[],
    attributes?: Record<string, OnnxAttribute>,
    domain?: string,
  ): void;
  /** A list of integers, as ONNX takes shapes and axes. */
  integers(values: readonly number[]): string;
  float(value: number): string;
  /** A number of a type that tensors of programs have. */
  scalar(value: number, dtype: ValueType): string;
  /** A list of int32. */
  indices(values: readonly number[]): string;
}

type Lowering = (
  node: Node,
  /** The ONNX names of the node's inputs. */
  inputs: readonly string[],
  /** The ONNX names that its outputs must get; '' for one that nobody uses. */
  outputs: readonly string[],
  writer: OnnxWriter,
) => void;

/** Ops that ONNX has under the same name, with no attributes. */
const SAME = new Set(
  (
    'Neg Abs Exp Log Sqrt Reciprocal Erf Tanh Sigmoid Relu Softplus Sign Floor Ceil Round Not Gelu ' +
    'Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh ' +
    'Add Sub Mul Div Pow Max Min And Or BitwiseAnd Greater GreaterOrEqual Less LessOrEqual Equal Where'
  ).split(' '),
);

const ONNX_TYPE_IDS: Readonly<Record<string, number>> = { float32: 1, int32: 6, int64: 7, bool: 9 };

const reduce: Lowering = ({ op, attributes: a }, [x], outputs, w) =>
  w.emitInto(outputs, op, [x!, w.integers(numbers(a, 'axes'))], { keepdims: flag(a, 'keepDims') ? 1 : 0 });

/** Along the only axis onnxruntime takes another way, in which it follows NaN: a row of a matrix is right. */
const argExtreme: Lowering = ({ op, attributes: a, inputs: [value] }, [x], outputs, w) => {
  const only = value!.shape.length === 1;
  const row = only ? w.emit('Reshape', [x!, w.integers([1, value!.shape[0]!])]) : x!;
  const index = w.emit(op, [row], { axis: only ? 1 : number(a, 'axis'), keepdims: 0 });
  const place = only ? w.emit('Squeeze', [index, w.integers([0])]) : index;
  w.emitInto(outputs, 'Cast', [place], { to: ONNX_TYPE_IDS.int32! });
};

const lastAxis: Lowering = ({ op }, inputs, outputs, w) => w.emitInto(outputs, op, inputs, { axis: -1 });

const LOWERINGS: Readonly<Record<string, Lowering>> = {
  HardSigmoid: ({ attributes: a }, inputs, outputs, w) =>
    w.emitInto(outputs, 'HardSigmoid', inputs, { alpha: { float: number(a, 'alpha') }, beta: { float: 0 } }),
  Mod: (_, inputs, outputs, w) => w.emitInto(outputs, 'Mod', inputs, { fmod: 1 }),
  Cast: ({ attributes: a }, inputs, outputs, w) =>
    w.emitInto(outputs, 'Cast', inputs, { to: ONNX_TYPE_IDS[a.dtype as string]! }),
  Broadcast: ({ attributes: a }, [x], outputs, w) =>
    w.emitInto(outputs, 'Expand', [x!, w.integers(numbers(a, 'shape'))]),
  // A size of 0 would mean the one that is there.
  Reshape: ({ attributes: a }, [x], outputs, w) =>
    w.emitInto(
      outputs,
      'Reshape',
      [x!, w.integers(numbers(a, 'shape'))],
      numbers(a, 'shape').includes(0) ? { allowzero: 1 } : {},
    ),
  Transpose: ({ attributes: a }, inputs, outputs, w) =>
    w.emitInto(outputs, 'Transpose', inputs, { perm: numbers(a, 'perm') }),
  Slice: ({ attributes: a, inputs: [value] }, [x], outputs, w) => {
    const { begin, end, axes, strides } = sliceBounds(a, value!.shape);
    w.emitInto(outputs, 'Slice', [x!, ...[begin, end, axes, strides].map(w.integers)]);
  },
  Concat: ({ attributes: a }, inputs, outputs, w) =>
    w.emitInto(outputs, 'Concat', inputs, { axis: number(a, 'axis') }),
  Pad: ({ attributes: a, inputs: [value] }, [x], outputs, w) => {
    const pads = w.integers([...numbers(a, 'before'), ...numbers(a, 'after')]);
    w.emitInto(outputs, 'Pad', [x!, pads, w.scalar(number(a, 'value'), value!.dtype)]);
  },
  Tile: ({ attributes: a }, [x], outputs, w) =>
    w.emitInto(outputs, 'Tile', [x!, w.integers(numbers(a, 'repeats'))]),
  CumSum: ({ attributes: a }, [x], outputs, w) =>
    w.emitInto(outputs, 'CumSum', [x!, w.integers([number(a, 'axis')])], {
      exclusive: flag(a, 'exclusive') ? 1 : 0,
      reverse: flag(a, 'reverse') ? 1 : 0,
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
    w.emitInto(outputs, 'LayerNormalization', inputs, { axis: -1, epsilon: { float: number(a, 'epsilon') } }),
  MatMul: ({ inputs: [a, b], attributes }, inputs, outputs, w) => {
    const transA = flag(attributes, 'transposeA') ? 1 : 0;
    const transB = flag(attributes, 'transposeB') ? 1 : 0;
    if (!transA && !transB) w.emitInto(outputs, 'MatMul', inputs);
    // Products of integers are not transposed inside.
    else if (a!.dtype !== 'float32') {
      const turned = (name: string, { shape }: Value) => {
        const axes = shape.map((_, axis) => axis);
        return w.emit('Transpose', [name], { perm: [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!] });
      };
      const [x, y] = inputs as [string, string];
      w.emitInto(outputs, 'MatMul', [transA ? turned(x, a!) : x, transB ? turned(y, b!) : y]);
    } else if (a!.shape.length === 2 && b!.shape.length === 2)
      w.emitInto(outputs, 'Gemm', inputs, { transA, transB });
    else w.emitInto(outputs, 'FusedMatMul', inputs, { transA, transB }, 'com.microsoft');
  },
  Gather: ({ attributes: a }, inputs, outputs, w) =>
    w.emitInto(outputs, 'Gather', inputs, { axis: number(a, 'axis') }),
  // A negative one would count from the end; an index past the end is an error of every op that takes indices.
  CheckedIndex: ({ attributes: a }, [indices], outputs, w) => {
    const below = w.emit('Less', [indices!, w.scalar(0, 'int32')]);
    const limits = numbers(a, 'limits');
    const past = limits.length === 1 ? w.scalar(limits[0]!, 'int32') : w.indices(limits);
    w.emitInto(outputs, 'Where', [below, past, indices!]);
  },
  GatherND: (_, [x, indices], outputs, w) =>
    w.emitInto(outputs, 'GatherND', [x!, w.emit('Cast', [indices!], { to: ONNX_TYPE_IDS.int64! })]),
  ScatterND: ({ attributes: a }, [target, indices, updates], outputs, w) =>
    w.emitInto(
      outputs,
      'ScatterND',
      [target!, w.emit('Cast', [indices!], { to: ONNX_TYPE_IDS.int64! }), updates!],
      { reduction: a.reduction as string },
    ),
  TopK: ({ attributes: a }, [x], [values, indices], w) => {
    // Its first output must have a name.
    const [largest, places] = [values || `${indices}/values`, `${values || indices}/places`];
    w.emitInto([largest, places], 'TopK', [x!, w.integers([number(a, 'k')])], {
      axis: -1,
      largest: 1,
      sorted: 1,
    });
    if (indices) w.emitInto([indices], 'Cast', [places], { to: ONNX_TYPE_IDS.int32! });
  },
  ScatterAdd: ({ outputs: [value] }, [x, indices], outputs, w) => {
    const zeros = w.emit('Expand', [w.scalar(0, value!.dtype), w.integers(value!.shape)]);
    const rows = w.emit('Unsqueeze', [
      w.emit('Cast', [indices!], { to: ONNX_TYPE_IDS.int64! }),
      w.integers([1]),
    ]);
    w.emitInto(outputs, 'ScatterND', [zeros, rows, x!], { reduction: 'add' });
  },
  Conv: ({ attributes: a }, inputs, outputs, w) =>
    w.emitInto(outputs, 'Conv', inputs, {
      pads: numbers(a, 'pads'),
      strides: numbers(a, 'strides'),
      dilations: numbers(a, 'dilations'),
      group: number(a, 'group'),
    }),
  ConvInputGradient: lowerConvInputGradient,
  ConvFilterGradient: lowerConvFilterGradient,
  MaxPool: lowerMaxPool,
  MaxUnpool: lowerMaxUnpool,
  AveragePool: lowerAveragePool,
  UpsampleNearest: ({ outputs: [value] }, [x], outputs, w) =>
    w.emitInto(outputs, 'Resize', [x!, '', '', w.integers(value!.shape)], {
      mode: 'nearest',
      nearest_mode: 'floor',
      coordinate_transformation_mode: 'asymmetric',
    }),
  ResizeBilinear: ({ attributes: a, outputs: [value] }, [x], outputs, w) =>
    w.emitInto(outputs, 'Resize', [x!, '', '', w.integers(value!.shape)], {
      mode: 'linear',
      coordinate_transformation_mode: a.coordinates as string,
    }),
};

const CONSTANT_TYPES: Readonly<Record<string, OnnxType>> = {
  float32: 'float32',
  int32: 'int32',
  bool: 'bool',
};

const CONSTANT_ARRAYS: Readonly<Record<string, (values: readonly number[]) => ConstantData>> = {
  float32: (values) => Float32Array.from(values),
  int32: (values) => Int32Array.from(values),
  bool: (values) => Uint8Array.from(values),
};

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
    const data = CONSTANT_ARRAYS[dtype]!(values);
    initializers.set(name, { name, dtype: CONSTANT_TYPES[dtype]!, shape, data });
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
  for (const node of graph.nodes) {
    if (node.op === 'Input') continue;
    if (node.op === 'Constant') {
      const [value] = node.outputs;
      const name = nameOf(value!);
      const data = node.attributes.data as ConstantData;
      initializers.set(name, { name, dtype: CONSTANT_TYPES[value!.dtype]!, shape: value!.shape, data });
      continue;
    }
    const outputs = node.outputs.map((value) => (used.has(value.id) ? nameOf(value) : ''));
    const inputs = node.inputs.map(nameOf);
    if (SAME.has(node.op)) writer.emitInto(outputs, node.op, inputs);
    else if (LOWERINGS[node.op]) LOWERINGS[node.op]!(node, inputs, outputs, writer);
    else throw new Error(`The op '${node.op}' has no ONNX form.`);
  }
  for (const [output, value] of copies) writer.emitInto([output], 'Identity', [nameOf(value)]);

  const tensor = (name: string, { dtype, shape }: Value) => ({ name, dtype: dtype as OnnxType, shape });
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
