import { createGraphBuilder, type GraphBuilder } from '../graph/builder';
import { type Graph, type Node, sizeOf, type Value } from '../graph/graph';
import type { NodeName } from '../graph/ops';
import type { Trace } from '../record/trace';
import { rebuildGraph } from './rebuildGraph';

export const isEmpty = ({ shape }: { readonly shape: readonly number[] }): boolean => sizeOf(shape) === 0;

/** The numbers of a tensor that has none. */
export const emptyArray = (dtype: string) =>
  dtype === 'float32' ? new Float32Array(0) : dtype === 'int32' ? new Int32Array(0) : new Uint8Array(0);

const filled = (b: GraphBuilder, value: number, { dtype, shape }: Value) =>
  b.emit('Broadcast', [b.scalar(value, dtype)], { shape });

/** Sums of nothing. */
const sum = ({ outputs: [value] }: Node, b: GraphBuilder) => filled(b, 0, value);
/** What has no value becomes what TensorFlow.js's typed arrays make of that: NaN, and 0 as an integer. */
const undefinedValue = ({ outputs: [value] }: Node, b: GraphBuilder) =>
  filled(b, value.dtype === 'float32' ? Number.NaN : 0, value);

/** What ops make of operands without elements where their result has some. */
const OF_NOTHING: { readonly [K in NodeName]?: (node: Node<K>, b: GraphBuilder) => Value } = {
  Concat: ({ inputs, attributes }, b) =>
    b.emit(
      'Concat',
      inputs.filter((part) => !isEmpty(part)),
      attributes,
    ),
  Pad: ({ attributes, outputs: [value] }, b) => filled(b, attributes.value, value),
  ReduceSum: sum,
  // TensorFlow.js adds up what it has divided.
  ReduceMean: sum,
  ReduceProd: ({ outputs: [value] }, b) => filled(b, 1, value),
  ReduceMax: undefinedValue,
  ReduceMin: undefinedValue,
  ArgMax: sum,
  ArgMin: sum,
  MatMul: sum,
  Conv: sum,
  ConvInputGradient: sum,
  ConvFilterGradient: sum,
  ScatterAdd: sum,
  ScatterND: ({ inputs: [target] }) => target,
};

/** @param node with operands of which some have no elements */
function madeOfNothing<K extends NodeName>(node: Node<K>, b: GraphBuilder): Value {
  const make = OF_NOTHING[node.op];
  if (make) return make(node, b);
  const shapes = node.inputs.map(({ shape }) => `[${shape}]`).join(', ');
  throw new Error(`The op '${node.op}' can't make [${node.outputs[0].shape}] of tensors ${shapes}.`);
}

/**
 * The graph in which no op takes or makes a tensor without elements: not every engine can. What is left of them are
 * inputs that nothing reads, and outputs that are constants or inputs.
 *
 * @throws for an op that has no result without those elements, such as a gather from nothing
 */
export function withoutEmptyTensors(graph: Graph): Graph {
  if (!graph.nodes.some(({ outputs }) => outputs.some(isEmpty))) return graph;
  const builder = createGraphBuilder();
  const empty = ({ dtype, shape }: Value) => builder.constant(emptyArray(dtype), dtype, shape);
  return rebuildGraph(graph, builder, (node) => {
    if (node.op === 'Input') return undefined;
    if (node.outputs.every(isEmpty)) return node.outputs.map(empty);
    return node.inputs.some(isEmpty) ? [madeOfNothing(node, builder)] : undefined;
  });
}

const nonEmpty = <T extends { readonly shape: readonly number[] }>(values: ReadonlyMap<string, T>) =>
  new Map([...values].filter(([, value]) => !isEmpty(value)));

/** Libraries run no program without an output: where all are empty, one number takes their place. */
function withAnOutput(graph: Graph): Graph {
  if (graph.outputs.size > 0) return graph;
  const builder = createGraphBuilder();
  for (const [name, { dtype, shape }] of graph.inputs) builder.input(name, dtype, shape);
  return builder.finish(new Map([['outputs/', builder.scalar(0)]]));
}

/** The inputs without the states that nothing reads: a library takes memory for every one. */
function withoutUnreadState({ nodes, inputs, outputs }: Graph): Graph {
  const read = new Set([...nodes.flatMap((node) => node.inputs), ...outputs.values()].map(({ id }) => id));
  const isUnread = (name: string, { id }: Value) => name.startsWith('state/') && !read.has(id);
  return {
    nodes: nodes.filter(
      (node) =>
        node.op !== 'Input' || !node.outputs.some((value) => isUnread(String(node.attributes.name), value)),
    ),
    inputs: new Map([...inputs].filter(([name, value]) => !isUnread(name, value))),
    outputs,
  };
}

/** The program without the inputs, states and outputs that have no elements: what an engine's library gets to see. */
export function withElements(trace: Trace): Trace {
  const { graph, inputs, state, changed } = trace;
  const withState = nonEmpty(state);
  return {
    ...trace,
    graph: withAnOutput(
      withoutUnreadState({
        nodes: graph.nodes.filter(({ outputs }) => !outputs.every(isEmpty)),
        inputs: nonEmpty(graph.inputs),
        outputs: nonEmpty(graph.outputs),
      }),
    ),
    inputs: nonEmpty(inputs),
    state: withState,
    changed: changed.filter((path) => withState.has(path)),
  };
}
