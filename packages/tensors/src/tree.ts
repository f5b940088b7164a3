import type { HostTensor, NamedTensors } from './hostTensor';

/** A value, or named values, or named groups of them, to any depth: `{ params: { 'head.weight': ... }, m: ..., v: ... }`. */
export type Tree<T> = T | Branch<T>;
export type Branch<T> = { readonly [name: string]: Tree<T> };

/** Tells a leaf of type `T` from a branch, since both are objects. */
export type IsLeaf<T> = (node: Tree<T>, path: string) => node is T;

/** Tells host tensors from branches. */
export const isHostTensor = (node: Tree<HostTensor>): node is HostTensor =>
  Array.isArray(node.shape) && typeof node.dtype === 'string';

/**
 * The leaves of a tree with their paths, names joined by `/`, in the order of insertion. Inside a name `/` is written
 * `\/`, `\` is `\\`, a name of no letters `\0`, and a character that is none in a file (a control character, half a
 * surrogate pair) `\u` and its number, so that no two leaves have the same path.
 */
export function flattenTree<T>(tree: Tree<T>, isLeaf: IsLeaf<T>, path = ''): [path: string, leaf: T][] {
  if (isLeaf(tree, path)) return [[path, tree]];
  return Object.entries(tree as Branch<T>).flatMap(([name, node]) =>
    flattenTree(node, isLeaf, joined(path, name)),
  );
}

/** The host tensors of a tree by path: `params/head.weight`. */
export const flattenTensors = (tree: Tree<HostTensor>): NamedTensors =>
  // Without a prototype, so that a tensor called `constructor` is only a tensor.
  Object.assign(Object.create(null), Object.fromEntries(flattenTree(tree, isHostTensor)));

/** The tree of the same form whose leaves are `f(leaf, path)`, with paths as `flattenTree` gives them. */
export function mapTree<T, U>(
  tree: Tree<T>,
  isLeaf: IsLeaf<T>,
  f: (leaf: T, path: string) => U,
  path = '',
): Tree<U> {
  if (isLeaf(tree, path)) return f(tree, path);
  const entries = Object.entries(tree as Branch<T>);
  return Object.fromEntries(
    entries.map(([name, node]) => [name, mapTree(node, isLeaf, f, joined(path, name))]),
  );
}

/** The tree of which these are the leaves by path. Error: a path that goes through a leaf. */
export function unflattenTree<T>(leaves: Iterable<readonly [path: string, leaf: T]>): Tree<T> {
  const root = new Group<T>();
  for (const [path, leaf] of leaves) {
    if (path === '') return leaf;
    const names = namesOf(path);
    let group = root;
    names.slice(0, -1).forEach((name) => {
      const next = group.members.get(name) ?? new Group<T>();
      if (!(next instanceof Group)) throw new Error(`"${path}" goes through the tensor "${name}".`);
      group.members.set(name, next);
      group = next;
    });
    const last = names.at(-1) ?? '';
    if (group.members.has(last)) throw new Error(`"${path}" is both a tensor and a group of tensors.`);
    group.members.set(last, leaf);
  }
  return root.branch();
}

/** A branch that is being filled. */
class Group<T> {
  readonly members = new Map<string, T | Group<T>>();

  branch(): Branch<T> {
    const branch: Record<string, Tree<T>> = Object.create(null);
    for (const [name, member] of this.members)
      branch[name] = member instanceof Group ? member.branch() : member;
    return branch;
  }
}

/** A path with its names as they are. */
export const plainPath = (path: string): string =>
  path.replace(/\\(?:([\\/])|0|u([0-9a-f]{4}))/g, (_, letter, code) =>
    code === undefined ? (letter ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  );

/** The names of a path. */
const namesOf = (path: string): string[] => (path.match(/(?:\\.|[^\\/])+/gsu) ?? []).map(plainPath);

const joined = (path: string, name: string): string => {
  const escaped = name === '' ? '\\0' : name.replace(/[\\/]/g, '\\$&').replace(/[\p{Cc}\p{Cs}]/gu, codeOf);
  return path === '' ? escaped : `${path}/${escaped}`;
};

const codeOf = (letter: string): string => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
