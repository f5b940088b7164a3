import { number } from '../graph/ops';
import { scalarConstant } from '../passes/algebraRules';
import type { Rule } from '../passes/rule';

/**
 * OpenVINO 2026.4 multiplies the filter of a grouped convolution by the number that its result is multiplied by, also for all
 * other convolutions with that filter. By a number for each channel, it makes a filter of its own.
 */
export const groupedScales: Rule = ({ op, inputs: [a, b] }, builder) => {
  if (op !== 'Mul') return undefined;
  for (const [image, scale] of [
    [a!, b!],
    [b!, a!],
  ] as const) {
    const factor = scalarConstant(scale, builder);
    const { op: made, attributes } = builder.producer(image);
    if (factor === undefined || made !== 'Conv' || number(attributes, 'group') === 1) continue;
    const shape = image.shape.map((size, axis) => (axis === 1 ? size : 1));
    const channels = new Float32Array(image.shape[1]!).fill(factor);
    return builder.emit('Mul', [image, builder.constant(channels, 'float32', shape)]);
  }
  return undefined;
};
