import type { TensorSpec, Tree } from '@beit/tensors';
import { arrayTypeOf, described, withArticle } from '../described';
import { sameShape, sizeOf } from '../graph/graph';
import { numbersAs } from '../numbersAs';
import { givenTensors, isTensor, type Role, theOne } from '../specTree';
import type { GivenTensor } from '../types';
import type { HostArray } from './alignedArray';

const ARRAY_TYPES = { float32: 'Float32Array', int32: 'Int32Array' } as const;

/**
 * The tensors of a tree by path, checked against what the program was compiled for.
 *
 * @throws for tensors that are missing or unknown, of another dtype or shape, or whose array is of another type or length
 */
export function checkedLeaves(
  tree: Tree<GivenTensor>,
  expected: ReadonlyMap<string, TensorSpec>,
  role: Role,
): Map<string, GivenTensor> {
  const leaves = givenTensors(tree, role);
  for (const [path, spec] of expected) {
    const leaf = leaves.get(path);
    const name = theOne(role, path);
    if (!leaf) throw new Error(`${name} is missing: ${typed(spec)} expected.`);
    if (leaf.dtype !== spec.dtype || !Array.isArray(leaf.shape) || !sameShape(leaf.shape, spec.shape)) {
      throw new Error(`${name} is ${typed(leaf)}, but the program was compiled for ${typed(spec)}.`);
    }
    if (isTensor(leaf)) {
      if (leaf.isDisposed) throw new Error(`${name} is a tf.Tensor that was disposed.`);
      continue;
    }
    const length = sizeOf(spec.shape);
    const type = ARRAY_TYPES[spec.dtype];
    if (arrayTypeOf(leaf.data) !== type || leaf.data.length !== length) {
      throw new Error(
        `${name} is ${typed(spec)}, so its data must be ${withArticle(type)} of ${length}; got ${described(leaf.data)}.`,
      );
    }
  }
  for (const path of leaves.keys()) {
    if (!expected.has(path)) {
      throw new Error(
        `The program has no ${role} '${path}'. It has: ${[...expected.keys()].join(', ') || 'none'}.`,
      );
    }
  }
  return leaves;
}

/** The numbers of a checked tensor, in memory of its owner. */
export const numbersOf = (leaf: GivenTensor): HostArray =>
  isTensor(leaf) ? numbersAs(leaf.dtype, leaf.dataSync()) : leaf.data;

/**
 * The numbers of a state by path, checked.
 *
 * @param copied whether they must be those of now whatever their owner does next
 * @throws what `checkedLeaves` throws
 */
export function stateNumbers(
  state: Tree<GivenTensor>,
  expected: ReadonlyMap<string, TensorSpec>,
  copied = false,
): Map<string, HostArray> {
  const leaves = checkedLeaves(state, expected, 'state');
  return new Map(
    [...leaves].map(([path, leaf]) => [path, copied ? numbersOf(leaf).slice() : numbersOf(leaf)]),
  );
}

const typed = ({ dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] }): string =>
  `${dtype} [${shape}]`;
