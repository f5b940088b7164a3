import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import { number, numbers } from '../graph/ops';
import { scalarConstant } from '../passes/algebraRules';
import type { Rule } from '../passes/rule';

/** The axis of channels of what a grouped convolution makes, transposed or not; `undefined` for all else. */
function groupedChannels(value: Value, builder: GraphBuilder): number | undefined {
  const { op, inputs, attributes } = builder.producer(value);
  if (op === 'Conv') return number(attributes, 'group') > 1 ? 1 : undefined;
  if (op !== 'Transpose') return undefined;
  const axis = groupedChannels(inputs[0]!, builder);
  return axis === undefined ? undefined : numbers(attributes, 'perm').indexOf(axis);
}

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
    const channelAxis = groupedChannels(image, builder);
    if (factor === undefined || channelAxis === undefined) continue;
    const shape = image.shape.map((size, axis) => (axis === channelAxis ? size : 1));
    const channels = new Float32Array(image.shape[channelAxis]!).fill(factor);
    return builder.emit('Mul', [image, builder.constant(channels, 'float32', shape)]);
  }
  return undefined;
};
