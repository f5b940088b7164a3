/** A value, or named values, or named groups of them, to any depth. */
export type Tree<T> = T | { readonly [name: string]: Tree<T> };

/** Where a leaf of type `T` is told from a branch. */
type IsLeaf<T> = (node: Tree<T>, path: string) => node is T;

/**
 * The leaves of a tree with their paths, names joined by `/`, in the order of insertion. Inside a name `/` is written
 * `\/`, `\` is `\\`, a name of no letters `\0`, and a character that is none in a file (a control character, half a
 * surrogate pair) `\u` and its number, so that no two leaves have the same path.
 *
 * @param isLeaf tells a leaf from a branch, since both are objects
 */
export function flattenTree<T>(tree: Tree<T>, isLeaf: IsLeaf<T>, path = ''): [path: string, leaf: T][] {
  if (isLeaf(tree, path)) return [[path, tree]];
  return Object.entries(tree as { readonly [name: string]: Tree<T> }).flatMap(([name, node]) =>
    flattenTree(node, isLeaf, joined(path, name)),
  );
}

/** The tree of the same form whose leaves are `f(leaf, path)`, with paths as `flattenTree` gives them. */
export function mapTree<T, U>(
  tree: Tree<T>,
  isLeaf: IsLeaf<T>,
  f: (leaf: T, path: string) => U,
  path = '',
): Tree<U> {
  if (isLeaf(tree, path)) return f(tree, path);
  const entries = Object.entries(tree as { readonly [name: string]: Tree<T> });
  return Object.fromEntries(
    entries.map(([name, node]) => [name, mapTree(node, isLeaf, f, joined(path, name))]),
  );
}

/** A path with its names as they are. */
export const plainPath = (path: string): string =>
  path.replace(/\\(?:([\\/])|0|u([0-9a-f]{4}))/g, (_, letter, code) =>
    code === undefined ? (letter ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  );

const joined = (path: string, name: string): string => {
  const escaped = name === '' ? '\\0' : name.replace(/[\\/]/g, '\\$&').replace(/[\p{Cc}\p{Cs}]/gu, codeOf);
  return path === '' ? escaped : `${path}/${escaped}`;
};

const codeOf = (letter: string): string => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
