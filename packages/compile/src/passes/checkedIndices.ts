import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import { at } from '../graph/lists';
import { produced } from './algebraRules';
import { ruleFor } from './rule';

/** The error of an index that `op` can't follow. */
export const indexError = (op: string, index: number, limit: number): string =>
  `${op}: the index value ${index} is not in [0, ${limit - 1}].`;

/**
 * Constant indices are looked at now.
 *
 * @throws for one that is outside
 */
export const checkedConstants = ruleFor(
  ['CheckedIndex'],
  ({ inputs: [indices], attributes: { limits, op } }, builder) => {
    const constant = produced(indices, 'Constant', builder);
    constant?.attributes.data.forEach((index, i) => {
      const limit = at(limits, i % limits.length);
      if (!(index >= 0 && index < limit)) throw new Error(indexError(op, index, limit));
    });
    return constant && indices;
  },
);

/**
 * Indices for `op`, each of which must be in [0, limit), or the run fails. One limit is that of all; more are those of
 * the last axis.
 */
export const checkedIndex = (
  builder: GraphBuilder,
  indices: Value,
  limits: readonly number[],
  op: string,
): Value =>
  checkedConstants({ op: 'CheckedIndex', inputs: [indices], attributes: { limits, op } }, builder) ??
  builder.emit('CheckedIndex', [indices], { limits, op });
