import type { HostTensor } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { type Graph, sameShape, type Value } from '../graph/graph';
import { flattenTree, mapTree, type Tree } from '../tree';
import type { Step, TensorSpec, TreeOf } from '../types';
import { callProgram } from './callSite';
import { graphValue, record, tensorOf } from './recordingBackend';
import { registerKernels } from './registerKernels';

/** A step as a graph. Names: `state/...` and `inputs/...` go in, `next/...` and `outputs/...` come out. */
export interface Trace {
  readonly graph: Graph;
  /** Specs of the inputs and of the state by path, as the graph has them. */
  readonly inputs: ReadonlyMap<string, TensorSpec>;
  readonly state: ReadonlyMap<string, TensorSpec>;
  /** The outputs' tree, with the path of each. */
  readonly outputs: Tree<string>;
  /** Paths of the state that the step changes; the rest it returns as it got it. */
  readonly changed: readonly string[];
}

export const isTensor = (node: Tree<tf.Tensor>): node is tf.Tensor => node instanceof tf.Tensor;
export const isSpec = <T extends TensorSpec | HostTensor>(node: Tree<T>): node is T =>
  Array.isArray((node as { shape?: unknown }).shape) &&
  typeof (node as { dtype?: unknown }).dtype === 'string';

/** The dtype of a host tensor or spec as programs have it. @throws for any but float32 and int32 */
export function specOf(
  { dtype, shape }: { dtype: string; shape: readonly number[] },
  path: string,
): TensorSpec {
  if (dtype !== 'float32' && dtype !== 'int32') {
    throw new Error(`'${path}' has dtype '${dtype}'; a program takes float32 and int32.`);
  }
  return { dtype, shape };
}

/**
 * Runs `step` once on tensors that hold no numbers, and writes down what it does.
 *
 * @throws for an op that can't be traced (the error names it and where it was called), for a program that reads
 * a tensor's numbers, and when the new state does not have the form of the old one
 */
export function trace<S extends Tree<tf.Tensor>, I extends Tree<tf.Tensor>, O extends Tree<tf.Tensor>>(
  step: Step<S, I, O>,
  state: TreeOf<S, TensorSpec | HostTensor>,
  inputs: TreeOf<I, TensorSpec>,
): Trace {
  return record(registerKernels, (builder) => {
    const specs = { state: new Map<string, TensorSpec>(), inputs: new Map<string, TensorSpec>() };
    const given = new Map<string, Value>();
    const enter = (root: 'state' | 'inputs', tree: Tree<TensorSpec | HostTensor>) =>
      mapTree(tree, isSpec, (leaf, path) => {
        const spec = specOf(leaf, `${root}/${path}`);
        const value = builder.input(`${root}/${path}`, spec.dtype, spec.shape);
        specs[root].set(path, spec);
        given.set(`${root}/${path}`, value);
        return tensorOf(value);
      });

    const result = callProgram(
      step,
      enter('state', state as Tree<TensorSpec | HostTensor>) as S,
      enter('inputs', inputs as Tree<TensorSpec>) as I,
    );

    const made = new Map<string, Value>();
    const changed: string[] = [];
    const next = new Map(flattenTree<tf.Tensor>(result.state, isTensor));
    for (const [path, spec] of specs.state) {
      const tensor = next.get(path);
      if (!tensor)
        throw new Error(`The step returned no state '${path}'. It must return every tensor that it got.`);
      const value = graphValue(tensor);
      if (value.dtype !== spec.dtype || !sameShape(value.shape, spec.shape)) {
        throw new Error(
          `The step returned '${path}' as ${value.dtype} [${value.shape}], but got it as ${spec.dtype} [${spec.shape}].`,
        );
      }
      if (value === given.get(`state/${path}`)) continue;
      changed.push(path);
      made.set(`next/${path}`, value);
    }
    for (const path of next.keys()) {
      if (!specs.state.has(path)) throw new Error(`The step returned a state '${path}' that it did not get.`);
    }
    const outputs = mapTree<tf.Tensor, string>(result.outputs, isTensor, (tensor, path) => {
      made.set(`outputs/${path}`, graphValue(tensor));
      return path;
    });
    return { graph: builder.finish(made), inputs: specs.inputs, state: specs.state, outputs, changed };
  });
}
