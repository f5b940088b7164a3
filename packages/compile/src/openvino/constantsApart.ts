import type { GraphBuilder } from '../graph/builder';
import type { ConstantData, Value } from '../graph/graph';
import { isOneScale } from '../passes/algebraRules';
import type { Rule } from '../passes/rule';

const SUMS: ReadonlySet<string> = new Set(['Add', 'Sub']);
const PRODUCTS: ReadonlySet<string> = new Set(['Mul', 'Div']);
const isOneOf = (op: string) => SUMS.has(op) || PRODUCTS.has(op);

/** The numbers of a constant, whatever its shape. */
function constantNumbers(value: Value, builder: GraphBuilder): ConstantData | undefined {
  const { op, inputs, attributes } = builder.producer(value);
  if (op === 'Constant') return attributes.data as ConstantData;
  return op === 'Broadcast' || op === 'Reshape' ? constantNumbers(inputs[0]!, builder) : undefined;
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
      const scales = (of: string, data: ConstantData) => [...data].map((x) => (of === 'Div' ? 1 / x : x));
      const [first, second] = [scales(inner.op, before), scales(op, numbers)];
      if (first.every((x) => second.every((y) => isOneScale(x, y)))) continue;
    } else if (PRODUCTS.has(inner.op)) continue;
    const copy = builder.emit('Copy', [inputs[1 - i]!]);
    return builder.emit(op, i === 0 ? [outer, copy] : [copy, outer], attributes);
  }
  return undefined;
};
