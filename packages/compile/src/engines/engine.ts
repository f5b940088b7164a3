import type { HostTensor } from '@beit/weights';
import { sameShape, sizeOf } from '../graph/graph';
import { isSpec, type Trace } from '../record/trace';
import { flattenTree, mapTree, type Tree } from '../tree';
import type { TensorSpec } from '../types';
import type { HostArray } from './alignedArray';

/** Checks the leaves of a tree against what the program was compiled for, by path. */
export function checkedLeaves(
  tree: Tree<HostTensor>,
  expected: ReadonlyMap<string, TensorSpec>,
  what: 'input' | 'state',
): Map<string, HostTensor> {
  const leaves = new Map(flattenTree<HostTensor>(tree, isSpec));
  for (const [path, { dtype, shape }] of expected) {
    const leaf = leaves.get(path);
    if (!leaf) throw new Error(`The ${what} '${path}' is missing: ${dtype} [${shape}] expected.`);
    if (leaf.dtype !== dtype || !sameShape(leaf.shape, shape) || leaf.data.length !== sizeOf(shape)) {
      throw new Error(
        `The ${what} '${path}' is ${leaf.dtype} [${leaf.shape}] with ${leaf.data.length} numbers, but the program was ` +
          `compiled for ${dtype} [${shape}].`,
      );
    }
  }
  for (const path of leaves.keys()) {
    if (!expected.has(path)) {
      throw new Error(
        `The program has no ${what} '${path}'. It has: ${[...expected.keys()].join(', ') || 'none'}.`,
      );
    }
  }
  return leaves;
}

/** The tree with leaves by path, as `flattenTree` names them. */
export function treeFromPaths<T>(leaves: Iterable<readonly [string, T]>): Tree<T> {
  const root: Record<string, unknown> = {};
  for (const [path, leaf] of leaves) {
    if (path === '') return leaf;
    const names = path.split('/');
    let branch = root;
    for (const name of names.slice(0, -1)) {
      branch[name] ??= {};
      branch = branch[name] as Record<string, unknown>;
    }
    branch[names.at(-1)!] = leaf;
  }
  return root as Tree<T>;
}

/** The outputs of a run, from the arrays over which an engine writes them: copies, since the next run writes there again. */
export const outputsFrom = (trace: Trace, arrayOf: (path: string) => HostArray): Tree<HostTensor> =>
  mapTree<string, HostTensor>(
    trace.outputs,
    (node): node is string => typeof node === 'string',
    (path) => {
      const { dtype, shape } = trace.graph.outputs.get(`outputs/${path}`)!;
      // TensorFlow.js's booleans are bytes on the host.
      return { dtype: dtype === 'bool' ? 'uint8' : dtype, shape, data: arrayOf(path).slice() } as HostTensor;
    },
  );

/** The state over the arrays that hold it, by path. */
export const stateFrom = (trace: Trace, arrays: Iterable<readonly [string, HostArray]>): Tree<HostTensor> =>
  treeFromPaths(
    [...arrays].map(([path, data]) => [path, { ...trace.state.get(path)!, data } as HostTensor] as const),
  );

/** A module of an optional package, or `undefined` where the package is not installed. */
export async function importOptional<M>(load: () => Promise<unknown>): Promise<M | undefined> {
  try {
    const module = await load();
    return ((module as { default?: M }).default ?? module) as M;
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
