/** Programs in ops that every reader of ONNX's opset 18 knows. */
import type { Value } from '../graph/graph';
import { flag } from '../graph/ops';
import { withAxesSwapped } from '../passes/layoutRules';
import type { Rule } from '../passes/rule';

/** Only matrices are transposed inside ONNX's own products (`Gemm`). */
const transposesApart: Rule = ({ op, inputs, attributes }, builder) => {
  if (op !== 'MatMul') return undefined;
  const [a, b] = inputs as [Value, Value];
  const [transposeA, transposeB] = [flag(attributes, 'transposeA'), flag(attributes, 'transposeB')];
  if ((!transposeA && !transposeB) || (a.shape.length === 2 && b.shape.length === 2)) return undefined;
  const factors = [
    transposeA ? withAxesSwapped(builder, a) : a,
    transposeB ? withAxesSwapped(builder, b) : b,
  ];
  return builder.emit('MatMul', factors, { transposeA: false, transposeB: false });
};

/** `Gelu` came with opset 20. In this order of ops, which is PyTorch's, engines recognize it. */
const geluApart: Rule = ({ op, inputs: [x] }, builder) => {
  if (op !== 'Gelu') return undefined;
  const erf = builder.emit('Erf', [builder.emit('Div', [x!, builder.scalar(Math.SQRT2)])]);
  const doubled = builder.emit('Mul', [x!, builder.emit('Add', [erf, builder.scalar(1)])]);
  return builder.emit('Mul', [doubled, builder.scalar(0.5)]);
};

export const portableRules: readonly Rule[] = [transposesApart, geluApart];
