import type { Step, TensorSpec, TreeOf } from '@beit/tensors';
import { mapTree, type Tree } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import type { Graph, Value } from '../graph/graph';
import { isPath, isTensor, specTree } from '../specTree';
import { stepResult } from '../stepResult';
import type { GivenTensor } from '../types';
import { callProgram } from './callSite';
import { registerEinsumGradient } from './einsum';
import { graphValue, record, tensorOf } from './recordingBackend';
import { registerKernels } from './registerKernels';

/** A step as a graph. Names: `state/...` and `inputs/...` go in, `next/...` and `outputs/...` come out. */
export interface Trace {
  readonly graph: Graph;
  /** Specs of the inputs and of the state by path, as the graph has them. */
  readonly inputs: ReadonlyMap<string, TensorSpec>;
  readonly state: ReadonlyMap<string, TensorSpec>;
  /** The state's tree, with the path of each tensor. */
  readonly stateTree: Tree<string>;
  /** The outputs' tree, with the path of each. */
  readonly outputs: Tree<string>;
  /** Paths of the state that the step changes; the rest it returns as it got it. */
  readonly changed: readonly string[];
}

/**
 * Runs `step` once on tensors that hold no numbers, and writes down what it does.
 *
 * @throws for an op that can't be traced (the error names it and where it was called), for a program that reads
 * a tensor's numbers or draws random ones, for what is no tensor or tree of them, and when the new state does not have
 * the form of the old one
 */
export function trace<S, I, O>(
  step: Step<S, I, O>,
  state: TreeOf<S, TensorSpec | GivenTensor>,
  inputs: TreeOf<I, TensorSpec | GivenTensor>,
): Trace {
  const given = {
    state: specTree(state as Tree<TensorSpec | GivenTensor>, 'state'),
    inputs: specTree(inputs as Tree<TensorSpec | GivenTensor>, 'input'),
  };
  registerEinsumGradient();
  return record(registerKernels, (builder) => {
    const values = new Map<string, Value>();
    const enter = (root: 'state' | 'inputs') =>
      mapTree(given[root].form, isPath, (path) => {
        const { dtype, shape } = given[root].specs.get(path)!;
        const value = builder.input(`${root}/${path}`, dtype, shape);
        values.set(`${root}/${path}`, value);
        return tensorOf(value);
      });
    // By name alone: types know the names of the tensors, and the trees have them.
    const asTree = step as unknown as Step<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>>;
    const returned = callProgram(asTree, enter('state'), enter('inputs'));

    const result = stepResult(returned, given.state.specs);
    const made = new Map<string, Value>();
    const changed: string[] = [];
    for (const path of given.state.specs.keys()) {
      const value = graphValue(result.state.get(path)!);
      if (value === values.get(`state/${path}`)) continue;
      changed.push(path);
      made.set(`next/${path}`, value);
    }
    const outputs = mapTree<tf.Tensor, string>(result.outputs, isTensor, (tensor, path) => {
      made.set(`outputs/${path}`, graphValue(tensor));
      return path;
    });
    return {
      graph: builder.finish(made),
      inputs: given.inputs.specs,
      state: given.state.specs,
      stateTree: given.state.form,
      outputs,
      changed,
    };
  });
}
