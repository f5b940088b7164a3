import type { ConstantData } from '../graph/graph';
import { constantNumbers, isOneScale } from '../passes/algebraRules';
import type { Rule } from '../passes/rule';

const SUMS: ReadonlySet<string> = new Set(['Add', 'Sub']);
const PRODUCTS: ReadonlySet<string> = new Set(['Mul', 'Div']);
const isOneOf = (op: string) => SUMS.has(op) || PRODUCTS.has(op);

/** The smallest and the largest magnitude of what is multiplied by: of all between them holds what holds of both. */
function scales(op: string, data: ConstantData): readonly number[] {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const x of data) [least, most] = [Math.min(least, Math.abs(x)), Math.max(most, Math.abs(x))];
  return op === 'Div' ? [1 / least, 1 / most] : [least, most];
}

/**
 * OpenVINO makes one constant of two that are added or multiplied one after the other, and of a sum that is multiplied:
 * x + 1e8 - 1e8 is x, where float32 has a rounded number, or 0, on the way. A copy is not seen through.
 */
export const constantsApart: Rule = ({ op, inputs, attributes }, builder) => {
  if (!isOneOf(op) || inputs[0]!.dtype !== 'float32') return undefined;
  for (const [i, outer] of inputs.entries()) {
    const inner = builder.producer(inputs[1 - i]!);
    const numbers = constantNumbers(outer, builder);
    if (!numbers || !isOneOf(inner.op)) continue;
    const before = inner.inputs.map((x) => constantNumbers(x, builder)).find((data) => data !== undefined);
    if (!before) continue;
    if (PRODUCTS.has(op) && PRODUCTS.has(inner.op)) {
      const outers = scales(op, numbers);
      if (scales(inner.op, before).every((x) => outers.every((y) => isOneScale(x, y)))) continue;
    } else if (PRODUCTS.has(inner.op)) continue;
    const copy = builder.emit('Copy', [inputs[1 - i]!]);
    return builder.emit(op, i === 0 ? [outer, copy] : [copy, outer], attributes);
  }
  return undefined;
};
