/**
 * Operations of their parts. The type checker knows that the parts of one op fit together, but not, where the op is a type
 * parameter, that they make one of the union of all operations: the casts are here.
 */
import type { Value } from './graph';
import { mapEach } from './lists';
import type { Attributes, Inputs, Node, NodeName, Operation, OpName } from './ops';

export const operation = <K extends OpName>(op: K, inputs: Inputs<K>, attributes: Attributes<K>): Operation =>
  ({ op, inputs, attributes }) as Operation;

export const nodeOf = (operation: Operation<NodeName>, outputs: readonly Value[]): Node =>
  ({ ...operation, outputs }) as Node;

/** The node with other operands in place of its own. */
export const withInputs = (node: Node, other: (input: Value) => Value): Node =>
  ({ ...node, inputs: mapEach(node.inputs, other) }) as Node;
