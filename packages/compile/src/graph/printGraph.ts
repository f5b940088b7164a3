import type { Graph, Value } from './graph';

const LONGEST_LIST = 8;

type Attribute = number | string | boolean | ArrayLike<number> | undefined;

const show = (attribute: Attribute): string => {
  if (typeof attribute !== 'object') return String(attribute);
  const list = Array.from(attribute);
  return `[${list.slice(0, LONGEST_LIST).join(', ')}${list.length > LONGEST_LIST ? `, … ${list.length}` : ''}]`;
};

const typed = ({ id, dtype, shape }: Value) => `%${id}: ${dtype}[${shape.join(', ')}]`;

/** The graph as text, one node a line: `%7: float32[2, 3] = MatMul(%5, %6) transposeA=false`. */
export function printGraph({ nodes, outputs }: Graph): string {
  const lines = nodes.map(({ op, inputs, outputs: made, attributes }) => {
    const settings = Object.entries<Attribute>(attributes).map(([name, value]) => ` ${name}=${show(value)}`);
    return `${made.map(typed).join(', ')} = ${op}(${inputs.map(({ id }) => `%${id}`).join(', ')})${settings.join('')}`;
  });
  return [...lines, ...[...outputs].map(([name, { id }]) => `return ${name} = %${id}`)].join('\n');
}

/** How often each op occurs, most frequent first. */
export function countOps({ nodes }: Graph): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}
