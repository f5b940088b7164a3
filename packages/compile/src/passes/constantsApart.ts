import type { ConstantData } from '../graph/graph';
import { among } from '../graph/ops';
import { constantNumbers, eitherWay, isOneScale } from './algebraRules';
import { ruleFor } from './rule';

const isSum = among(['Add', 'Sub']);
const isProduct = among(['Mul', 'Div']);

/** The smallest and the largest magnitude of what is multiplied by: of all between them holds what holds of both. */
function scales(op: string, data: ConstantData): readonly number[] {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const x of data) [least, most] = [Math.min(least, Math.abs(x)), Math.max(most, Math.abs(x))];
  return op === 'Div' ? [1 / least, 1 / most] : [least, most];
}

/**
 * Compilers make one constant of two that are added or multiplied one after the other, and of a sum that is multiplied:
 * x + 1e8 - 1e8 is x, where float32 has a rounded number, or 0, on the way. A copy is not seen through.
 */
export const constantsApart = ruleFor(['Add', 'Sub', 'Mul', 'Div'], (operation, builder) => {
  const {
    op,
    inputs: [a, b],
    attributes,
  } = operation;
  if (a.dtype !== 'float32') return undefined;
  for (const [outer, x] of eitherWay(a, b)) {
    const inner = builder.producer(x);
    const numbers = constantNumbers(outer, builder);
    if (!numbers || !(isSum(inner) || isProduct(inner))) continue;
    const before = inner.inputs.map((y) => constantNumbers(y, builder)).find((data) => data !== undefined);
    if (!before) continue;
    if (isProduct(operation) && isProduct(inner)) {
      const outers = scales(op, numbers);
      if (scales(inner.op, before).every((p) => outers.every((q) => isOneScale(p, q)))) continue;
    } else if (isProduct(inner)) continue;
    const copy = builder.emit('Copy', [x]);
    return builder.emit(op, outer === a ? [outer, copy] : [copy, outer], attributes);
  }
  return undefined;
});
