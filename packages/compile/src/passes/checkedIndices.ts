import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import { at } from '../graph/lists';
import { produced } from './algebraRules';
import { ruleFor } from './rule';

/** The error of an index that `op` can't follow. */
const indexError = (op: string, index: number, limit: number): string =>
  `${op}: the index value ${index} is not in [0, ${limit - 1}].`;

/** Indices of an op that must be in [0, limit). */
export interface IndexCheck {
  readonly op: string;
  readonly limit: number;
}

/**
 * What a run has found, the smallest and the largest index of each check, two numbers.
 *
 * @param changesState whether the run has moved the state on
 * @throws for one that is outside
 */
export function assertIndices(
  checks: readonly IndexCheck[],
  bounds: ArrayLike<number>,
  changesState: boolean,
): void {
  checks.forEach(({ op, limit }, i) => {
    const wrong = [at(bounds, 2 * i), at(bounds, 2 * i + 1)].find((index) => !(index >= 0 && index < limit));
    if (wrong === undefined) return;
    const hint = changesState ? ' The run has changed the state: write it anew.' : '';
    throw new Error(`${indexError(op, wrong, limit)}${hint}`);
  });
}

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
