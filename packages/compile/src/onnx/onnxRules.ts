/** Programs in ops that ONNX defines as the graph does. */
import { scalarConstant } from '../passes/algebraRules';
import { foldedReductions } from '../passes/int32Reductions';
import { extremesKeepNaN, NATIVE } from '../passes/nanRules';
import { type Rule, ruleFor } from '../passes/rule';

/** 1 above zero, 0 below and at it, NaN for NaN. The ReLU is there where a gradient asks for its slope. */
const step = ruleFor(['Step'], ({ inputs }, builder) => builder.emit('Sign', [builder.emit('Relu', inputs)]));

/** Processors raise a signal where the quotient of whole numbers has no value: by 0, and of the least one by -1. */
const guardedDivision = ruleFor(['Div'], ({ inputs: [x, y], attributes }, builder) => {
  if (x.dtype !== 'int32' || attributes.native) return undefined;
  const divisor = scalarConstant(y, builder);
  if (divisor !== undefined && divisor !== 0 && divisor !== -1) {
    return builder.emit('Div', [x, y], NATIVE);
  }
  const int = (value: number) => builder.scalar(value, 'int32');
  const isZero = builder.emit('Equal', [y, int(0)]);
  const isMinusOne = builder.emit('Equal', [y, int(-1)]);
  const safe = builder.emit('Where', [builder.emit('Or', [isZero, isMinusOne]), int(1), y]);
  const quotient = builder.emit('Div', [x, safe], NATIVE);
  const opposite = builder.emit('Sub', [int(0), x]);
  const negated = builder.emit('Where', [isMinusOne, opposite, quotient]);
  return builder.emit('Where', [isZero, int(0), negated]);
});

/** onnxruntime's sums and products of int32 stop at the largest number. */
const wrappingReductions = foldedReductions(2 ** 31, ['ReduceSum', 'ReduceProd']);

export const onnxRules: readonly Rule[] = [step, guardedDivision, extremesKeepNaN, wrappingReductions];
