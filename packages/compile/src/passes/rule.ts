import type { GraphBuilder } from '../graph/builder';
import type { Attributes, Value } from '../graph/graph';

/**
 * Given an op about to be emitted, a better way to the same value, or `undefined`. Rules see operands that are
 * simplified already, and what they emit is simplified in turn.
 */
export type Rule = (node: PendingNode, builder: GraphBuilder) => Value | undefined;
export interface PendingNode {
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
}
