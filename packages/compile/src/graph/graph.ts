/**
 * The op graph: what a traced program does, as plain data. Static shapes, row-major, every value produced once.
 * Its ops are those of `ops.ts`, close to ONNX's but with the layout and transposes explicit, so that a pass can
 * reason about them before an engine's dialect comes in.
 */
import type { Node } from './ops';
import type { Value } from './value';

export type { Node } from './ops';
export type { ConstantData, Shape4, Value, ValueType } from './value';

/** Nodes in an order in which they can run; inputs and outputs by name. */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: ReadonlyMap<string, Value>;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dim) => size * dim, 1);

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((dim, i) => dim === b[i]);

/** The numpy broadcast of two shapes. @throws when they do not fit */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`Shapes [${a}] and [${b}] do not broadcast.`);
    return x === 1 ? y : x;
  });
}

/** `shape` with ones in front, to `rank` axes. */
export const padShape = (shape: readonly number[], rank: number): number[] => [
  ...new Array<number>(rank - shape.length).fill(1),
  ...shape,
];
