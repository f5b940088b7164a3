import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import type { Applied, FunctionalModel } from './functionalModel';
import { overriding } from './overriding';
import { chosenParams, newTensors, tensorsInOrder, toHost } from './parameters';
import { tidied } from './tidied';

/** A node of TensorFlow's graph, as the converter keeps it. */
interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly category?: string;
  readonly inputs: readonly GraphNode[];
  readonly inputNames: readonly string[];
  readonly inputParams: Readonly<
    Record<string, { readonly type: string; readonly inputIndexStart?: number }>
  >;
}
type WeightMap = Readonly<Record<string, readonly tf.Tensor[]>>;
/** What a Graph model keeps, which its declared type does not show. */
interface GraphModelInside {
  readonly executor: {
    weightMap: WeightMap;
    readonly graph: {
      readonly nodes: Readonly<Record<string, GraphNode>>;
      readonly outputs: readonly GraphNode[];
    };
  };
  readonly artifacts: {
    weightData?: tf.io.WeightData;
    weightSpecs?: tf.io.WeightsManifestEntry[];
    getWeightStream?: unknown;
  };
}

/** Ops whose results have a shape that depends on numbers; TensorFlow.js computes them asynchronously. */
const DYNAMIC = /^(Where|ListDiff|Unique(V2)?|NonMaxSuppression.*)$/;
const RANDOM = /^(Random|StatelessRandom|TruncatedNormal|Multinomial)/;
const BATCH_NORM = /^FusedBatchNorm/;

/** `functional` for a Graph model. */
export function graphModel(model: tf.GraphModel): FunctionalModel {
  const { executor, artifacts } = model as unknown as GraphModelInside;
  const nodes = ancestors(executor.graph.outputs);
  for (const { name, op, category } of nodes) {
    const why =
      category === 'control'
        ? 'is control flow'
        : DYNAMIC.test(op)
          ? 'has no fixed shape'
          : RANDOM.test(op)
            ? 'is random'
            : '';
    if (why) {
      throw new Error(
        `The Graph model has the op '${op}' ('${name}'), which ${why}: such a model is no pure function of fixed shapes. ` +
          'Convert a part of it that ends before that node.',
      );
    }
  }
  const weights = weightsOf(executor.weightMap, nodes);
  const { inputNodes: inputNames, outputNodes: outputNames } = model;
  const averages = new Set(
    nodes.flatMap(({ op, inputNames }) => (BATCH_NORM.test(op) ? inputNames.slice(3, 5).map(nodeName) : [])),
  );

  return {
    params: Object.fromEntries([...weights].map(([name, tensor]) => [name, toHost(name, tensor)])),
    inputNames,
    outputNames,
    trainable: (name) => weights.has(name) && !averages.has(name),
    apply: (params, x) =>
      tidied((): Applied => {
        const inputs = tensorsInOrder(x, inputNames);
        const values = chosenParams(params, weights);
        const replaced: Record<string, readonly tf.Tensor[]> = { ...executor.weightMap };
        for (const [name, tensor] of values) replaced[name] = [tensor];
        const made = overriding([{ object: executor, member: 'weightMap', value: replaced }], () =>
          model.execute(Object.fromEntries(inputNames.map((name, i) => [name, inputs[i]!])), [
            ...outputNames,
          ]),
        );
        const list = Array.isArray(made) ? made : [made];
        return {
          output: list[0]!,
          outputs: Object.fromEntries(outputNames.map((name, i) => [name, list[i]!])),
          updates: {},
          penalty: tf.scalar(0),
        };
      }),
    noise: () => ({}),
    async assign(params: NamedTensors) {
      const next = newTensors(params, weights);
      const replaced: Record<string, readonly tf.Tensor[]> = { ...executor.weightMap };
      for (const [name, tensor] of next) {
        tf.dispose([...replaced[name]!]);
        replaced[name] = [tf.keep(tensor)];
        weights.set(name, tensor);
      }
      executor.weightMap = replaced;
      // `model.save` writes the bytes that the model was read from.
      const all = Object.entries(replaced).map(([name, [tensor]]) => ({ name, tensor: tensor! }));
      const { data, specs } = await tf.io.encodeWeights(all);
      Object.assign(artifacts, { weightData: data, weightSpecs: specs, getWeightStream: undefined });
    },
  };
}

const nodeName = (input: string) => input.replace(/^\^/, '').split(':')[0]!;

/** The nodes that outputs are computed from, themselves included. */
function ancestors(outputs: readonly GraphNode[]): GraphNode[] {
  const found = new Set<GraphNode>();
  const waiting = [...outputs];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (found.has(node)) continue;
    found.add(node);
    waiting.push(...node.inputs);
  }
  return [...found];
}

/**
 * The weights that are parameters: float32 arrays that ops compute with. Scalars are constants of formulas, and what an
 * op reads as numbers (shapes, axes, bounds) makes it another op.
 */
function weightsOf(weightMap: WeightMap, nodes: readonly GraphNode[]): Map<string, tf.Tensor> {
  const [computed, read] = [new Set<string>(), new Set<string>()];
  for (const { inputNames, inputs, inputParams } of nodes) {
    for (const { name } of inputs) computed.add(name);
    for (const { type, inputIndexStart: start } of Object.values(inputParams)) {
      if (start === undefined || type === 'tensor' || type === 'tensors') continue;
      const input = inputNames.at(start);
      if (input !== undefined) read.add(nodeName(input));
    }
  }
  return new Map(
    Object.entries(weightMap).flatMap(([name, [tensor]]) =>
      tensor?.dtype === 'float32' && tensor.rank > 0 && computed.has(name) && !read.has(name)
        ? [[name, tensor]]
        : [],
    ),
  );
}
