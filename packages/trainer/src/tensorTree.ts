import type { HostTensor, NamedTensors } from '@beit/tensors';
import type { TensorTree } from './program';

function isHostTensor(node: TensorTree): node is HostTensor {
  return Array.isArray((node as HostTensor).shape) && typeof (node as HostTensor).dtype === 'string';
}

/** The leaves by their path, names joined with `/`: `params/head.weight`. Error: a name that is empty or has a `/`. */
export function flattenTree(tree: TensorTree, path = ''): NamedTensors {
  const out: NamedTensors = Object.create(null);
  if (isHostTensor(tree)) {
    out[path] = tree;
    return out;
  }
  for (const [name, node] of Object.entries(tree)) {
    if (name === '' || name.includes('/')) {
      throw new Error(
        `"${name}"${path && ` in "${path}"`} cannot be a name in a state: it is empty or has a "/".`,
      );
    }
    Object.assign(out, flattenTree(node, path === '' ? name : `${path}/${name}`));
  }
  return out;
}

/** The same tree with other tensors. */
export function mapTree(tree: TensorTree, change: (tensor: HostTensor) => HostTensor): TensorTree {
  if (isHostTensor(tree)) return change(tree);
  return Object.fromEntries(Object.entries(tree).map(([name, node]) => [name, mapTree(node, change)]));
}

type Branch = { [name: string]: TensorTree };

/** The tree of which these are the leaves by path. Error: a path that goes through a leaf. */
export function unflattenTree(leaves: NamedTensors): TensorTree {
  const root: Branch = Object.create(null);
  for (const [path, leaf] of Object.entries(leaves)) {
    if (path === '') return leaf;
    const names = path.split('/');
    const last = names.pop()!;
    let branch = root;
    for (const name of names) {
      const next = branch[name] ?? (Object.create(null) as Branch);
      if (isHostTensor(next)) throw new Error(`"${path}" goes through the tensor "${name}".`);
      branch[name] = next;
      branch = next as Branch;
    }
    if (last in branch) throw new Error(`"${path}" is both a tensor and a group of tensors.`);
    branch[last] = leaf;
  }
  return root;
}

/** The scalars (shape `[]`) among the leaves as numbers, by path. */
export function scalarsOf(tree: TensorTree): Record<string, number> {
  const scalars = Object.entries(flattenTree(tree)).filter(([, { shape }]) => shape.length === 0);
  return Object.fromEntries(scalars.map(([path, { data }]) => [path, data[0]!]));
}
