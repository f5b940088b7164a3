/** Programs in ops that every reader of ONNX's opset 18 knows. */
import { withAxesSwapped } from '../passes/layoutRules';
import { type Rule, ruleFor } from '../passes/rule';

/** Only matrices are transposed inside ONNX's own products (`Gemm`). */
const transposesApart = ruleFor(['MatMul'], ({ inputs: [a, b], attributes }, builder) => {
  const { transposeA, transposeB } = attributes;
  if ((!transposeA && !transposeB) || (a.shape.length === 2 && b.shape.length === 2)) return undefined;
  const left = transposeA ? withAxesSwapped(builder, a) : a;
  const right = transposeB ? withAxesSwapped(builder, b) : b;
  return builder.emit('MatMul', [left, right], { transposeA: false, transposeB: false });
});

/** `Gelu` came with opset 20. In this order of ops, which is PyTorch's, engines recognize it. */
const geluApart = ruleFor(['Gelu'], ({ inputs: [x] }, builder) => {
  const erf = builder.emit('Erf', [builder.emit('Div', [x, builder.scalar(Math.SQRT2)])]);
  const doubled = builder.emit('Mul', [x, builder.emit('Add', [erf, builder.scalar(1)])]);
  return builder.emit('Mul', [doubled, builder.scalar(0.5)]);
});

export const portableRules: readonly Rule[] = [transposesApart, geluApart];
