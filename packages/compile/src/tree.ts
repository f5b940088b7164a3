/** A value, or named values, or named groups of them, to any depth. */
export type Tree<T> = T | { readonly [name: string]: Tree<T> };

/** Where a leaf of type `T` is told from a branch. */
type IsLeaf<T> = (node: Tree<T>) => node is T;

/**
 * The leaves of a tree with their paths, names joined by `/`, in the order of insertion.
 *
 * @param isLeaf tells a leaf from a branch, since both are objects
 */
export function flattenTree<T>(tree: Tree<T>, isLeaf: IsLeaf<T>, path = ''): [path: string, leaf: T][] {
  if (isLeaf(tree)) return [[path, tree]];
  return Object.entries(tree as { readonly [name: string]: Tree<T> }).flatMap(([name, node]) =>
    flattenTree(node, isLeaf, path === '' ? name : `${path}/${name}`),
  );
}

/** The tree of the same form whose leaves are `f(leaf, path)`. */
export function mapTree<T, U>(
  tree: Tree<T>,
  isLeaf: IsLeaf<T>,
  f: (leaf: T, path: string) => U,
  path = '',
): Tree<U> {
  if (isLeaf(tree)) return f(tree, path);
  const entries = Object.entries(tree as { readonly [name: string]: Tree<T> });
  return Object.fromEntries(
    entries.map(([name, node]) => [name, mapTree(node, isLeaf, f, path === '' ? name : `${path}/${name}`)]),
  );
}
