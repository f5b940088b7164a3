import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import type { Operation, OpName } from '../graph/ops';

/**
 * Given an op about to be emitted, a better way to the same value, or `undefined`. Rules see operands that are
 * simplified already, and what they emit is simplified in turn.
 */
export type Rule<K extends OpName = OpName> = (
  operation: Operation<K>,
  builder: GraphBuilder,
) => Value | undefined;

/** A rule for some ops alone. */
export function ruleFor<K extends OpName>(ops: readonly K[], rule: Rule<K>): Rule {
  const names: ReadonlySet<string> = new Set(ops);
  const isMeant = (operation: Operation): operation is Operation & Operation<K> => names.has(operation.op);
  return (operation, builder) => (isMeant(operation) ? rule(operation, builder) : undefined);
}
