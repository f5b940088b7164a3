import type { TensorSpec } from '@beit/tensors';
import { flattenTree, mapTree, type Tree } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import { arrayTypeOf, described } from './described';
import type { GivenTensor } from './types';

/** What a tree of tensors is to a program. */
export type Role = 'state' | 'input';

/** The form of a tree of tensors, with its paths where the tensors are, and what is known of each. */
export interface SpecTree {
  readonly form: Tree<string>;
  readonly specs: ReadonlyMap<string, TensorSpec>;
}

/** @throws for what is no tensor, a dtype other than float32 and int32, and sizes that are not whole numbers */
export function specTree(tree: Tree<TensorSpec | GivenTensor>, role: Role): SpecTree {
  const specs = new Map<string, TensorSpec>();
  const expected = role === 'state' ? TENSOR : `${SPEC}, such as { dtype: 'float32', shape: [8, 3] }`;
  const form = mapTree<TensorSpec | GivenTensor, string>(tree, isGiven(role, expected), (leaf, path) => {
    specs.set(path, specOf(leaf, theOne(role, path)));
    return path;
  });
  return { form, specs };
}

/**
 * The part of a tree that lies in some of its own groups.
 *
 * @param groups default: all of it
 * @throws for a group that it does not have
 */
export function groupsOf(tree: SpecTree, groups: readonly string[] | undefined): SpecTree {
  if (!groups || isPath(tree.form)) return tree;
  const whole = tree.form;
  const form = Object.fromEntries(
    groups.map((group) => {
      const part = Object.hasOwn(whole, group) ? whole[group] : undefined;
      if (part !== undefined) return [group, part];
      throw new Error(
        `The program has no state '${group}'. It has: ${Object.keys(whole).join(', ') || 'none'}.`,
      );
    }),
  );
  const paths = new Set(flattenTree<string>(form, isPath).map(([, path]) => path));
  return { form, specs: new Map([...tree.specs].filter(([path]) => paths.has(path))) };
}

/** The tensors of a tree that a program is given, by path. @throws for what is no tensor */
export const givenTensors = (tree: Tree<GivenTensor>, role: Role): Map<string, GivenTensor> =>
  new Map(flattenTree<GivenTensor>(tree, isGiven(role, TENSOR)));

/** `The input 'x'`. */
export const theOne = (role: Role | 'output', path: string): string =>
  path === '' ? `The ${role}` : `The ${role} '${path}'`;

export const isPath = (node: Tree<string>): node is string => typeof node === 'string';

/** Anything that names can be looked up in: no array, no promise, no `Map`. */
export const isBranch = (node: unknown): boolean =>
  Object.prototype.toString.call(node) === '[object Object]' && node !== null;

const SPEC = "{ dtype: 'float32' or 'int32', shape: its sizes }";
const TENSOR =
  "{ dtype: 'float32' or 'int32', shape: its sizes, data: a Float32Array or Int32Array } or a tf.Tensor";

/** Tells tensors, and what is meant to be one, from branches. @throws for what is neither */
const isGiven =
  (role: Role, expected: string) =>
  <T extends TensorSpec | GivenTensor>(node: Tree<T>, path: string): node is T => {
    const { dtype, shape, data } = (node ?? {}) as Record<string, unknown>;
    if (typeof dtype === 'string' || Array.isArray(shape) || arrayTypeOf(data) !== undefined) return true;
    if (isBranch(node)) return false;
    throw new Error(`${theOne(role, path)} is ${described(node)}; expected ${expected}, by name.`);
  };

function specOf({ dtype, shape }: TensorSpec | GivenTensor, name: string): TensorSpec {
  if (dtype !== 'float32' && dtype !== 'int32') {
    const is = dtype === undefined ? 'no dtype' : `dtype '${dtype}'`;
    throw new Error(`${name} has ${is}; a program takes float32 and int32.`);
  }
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    const is = Array.isArray(shape) ? `shape [${shape.map(shown)}]` : 'no shape';
    throw new Error(
      `${name} has ${is}; expected a list of sizes, each a whole number from 0 on. Programs have fixed shapes: ` +
        'compile one for every batch size.',
    );
  }
  return { dtype, shape: [...shape] };
}

const shown = (size: unknown): string => (typeof size === 'string' ? `'${size}'` : String(size));

/** The tensors of TensorFlow.js among those that a program may be given. */
export const isTensor = (value: unknown): value is tf.Tensor =>
  typeof (value as { dataSync?: unknown } | null | undefined)?.dataSync === 'function';
