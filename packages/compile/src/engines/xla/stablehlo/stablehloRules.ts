/** What XLA's simplifications would make other numbers of. */
import { eitherWay, produced } from '../../../passes/algebraRules';
import { constantsApart } from '../../../passes/constantsApart';
import { type Rule, ruleFor } from '../../../passes/rule';

/** A product with a condition becomes a choice between the other factor and 0, whatever that factor is: 0 x NaN is NaN. */
const conditionalProduct = ruleFor(['Mul'], ({ inputs: [a, b] }, builder) => {
  if (a.dtype !== 'float32') return undefined;
  for (const [x, factor] of eitherWay(a, b)) {
    const [condition] = produced(factor, 'Cast', builder)?.inputs ?? [];
    if (condition?.dtype !== 'bool') continue;
    return builder.emit('Where', [condition, x, builder.emit('Mul', [x, builder.scalar(0)])]);
  }
  return undefined;
});

export const stablehloRules: readonly Rule[] = [constantsApart('between'), conditionalProduct];
