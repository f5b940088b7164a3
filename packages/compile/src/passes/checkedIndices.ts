import type { GraphBuilder } from '../graph/builder';
import type { ConstantData, Value } from '../graph/graph';
import { numbers } from '../graph/ops';
import type { Rule } from './rule';

/** The error of an index that `op` can't follow. */
export const indexError = (op: string, index: number, limit: number): string =>
  `${op}: the index value ${index} is not in [0, ${limit - 1}].`;

/**
 * Constant indices are looked at now.
 *
 * @throws for one that is outside
 */
export const checkedConstants: Rule = ({ op, inputs: [indices], attributes }, builder) => {
  if (op !== 'CheckedIndex') return undefined;
  const { op: made, attributes: own } = builder.producer(indices!);
  if (made !== 'Constant') return undefined;
  const limits = numbers(attributes, 'limits');
  (own.data as ConstantData).forEach((index, i) => {
    const limit = limits[i % limits.length]!;
    if (!(index >= 0 && index < limit)) throw new Error(indexError(attributes.op as string, index, limit));
  });
  return indices;
};

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
