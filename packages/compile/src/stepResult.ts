import type { TensorSpec } from '@beit/tensors';
import { flattenTree, type Tree } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import { described } from './described';
import { sameShape } from './graph/graph';
import { isBranch, isTensor, theOne } from './specTree';

/** What a step returned. */
export interface StepResult {
  /** The new state by path: every tensor of the old one. */
  readonly state: ReadonlyMap<string, tf.Tensor>;
  readonly outputs: Tree<tf.Tensor>;
}

/**
 * Checks what a step returned.
 *
 * @param before specs of the state that it got, by path
 * @throws unless it is `{ state, outputs }`, trees of tensors, and the state has the names, shapes and dtypes of the old one
 */
export function stepResult(returned: unknown, before: ReadonlyMap<string, TensorSpec>): StepResult {
  if (typeof (returned as { then?: unknown } | null | undefined)?.then === 'function') {
    // What becomes of it is of no use to anyone, and must not end the process.
    Promise.resolve(returned).catch(() => {});
    throw new Error(
      "A step can't be async: it returned a promise, and its ops must all have been called when it returns. Await before " +
        'the step, and pass in what came of it.',
    );
  }
  if (isTensor(returned) || !isBranch(returned)) {
    const is = isTensor(returned) ? 'a tensor' : described(returned);
    throw new Error(`The step returned ${is}; expected { state, outputs }, both trees of named tensors.`);
  }
  const { state, outputs } = returned as { state?: Tree<tf.Tensor>; outputs?: Tree<tf.Tensor> };
  for (const [name, tree] of Object.entries({ state, outputs })) {
    if (tree !== undefined && tree !== null) continue;
    throw new Error(
      `The step returned no '${name}'; expected { state, outputs }, both trees of named tensors, {} where there are none.`,
    );
  }
  const next = new Map(flattenTree<tf.Tensor>(state!, isReturned('state')));
  for (const [path, spec] of before) {
    const tensor = next.get(path);
    if (!tensor)
      throw new Error(`The step returned no state '${path}'. It must return every tensor that it got.`);
    if (tensor.dtype !== spec.dtype || !sameShape(tensor.shape, spec.shape)) {
      throw new Error(
        `The step returned '${path}' as ${tensor.dtype} [${tensor.shape}], but got it as ${spec.dtype} [${spec.shape}].${hint(tensor.dtype, spec.dtype)}`,
      );
    }
  }
  for (const path of next.keys()) {
    if (!before.has(path)) throw new Error(`The step returned a state '${path}' that it did not get.`);
  }
  for (const [path, { dtype }] of flattenTree<tf.Tensor>(outputs!, isReturned('output'))) {
    if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') continue;
    throw new Error(
      `${theOne('output', path)} has dtype '${dtype}'; a program returns float32, int32 and bool.`,
    );
  }
  return { state: next, outputs: outputs! };
}

/** Tells the tensors that a step returned. @throws for what is none, nor a group of named ones */
const isReturned =
  (role: 'state' | 'output') =>
  (node: Tree<tf.Tensor>, path: string): node is tf.Tensor => {
    if (isTensor(node)) {
      if (node.isDisposed) {
        throw new Error(`${theOne(role, path)} is a tensor that was disposed before the step returned it.`);
      }
      return true;
    }
    if (isBranch(node)) return false;
    const how = typeof node === 'number' ? ': tf.scalar(x) makes one of a number' : '';
    throw new Error(
      `The step returned ${theOne(role, path).replace('The', 'the')} as ${described(node)}; expected a tensor${how}.`,
    );
  };

/** TensorFlow.js takes JavaScript's numbers for float32. */
const hint = (is: string, was: string): string =>
  is === 'float32' && was === 'int32'
    ? " A number makes it float32: write x.add(tf.scalar(1, 'int32')), or return x.toInt()."
    : '';
