import type { GraphBuilder } from '../../graph/builder';
import type { Value } from '../../graph/graph';
import { at } from '../../graph/lists';
import { ruleFor } from '../../passes/rule';

/** So many channels are no longer laid beside the offsets of a window. */
const MANY_CHANNELS = 16;
/** Numbers of bfloat16 in a row of a tile. */
const ROW = 32;

/**
 * In bfloat16, convolutions of few channels have an odd number of them, where that matters. On processors that multiply
 * tiles (AMX), OpenVINO 2026.4 lays an even number of channels beside the offsets along an axis of the window, and
 * computes numbers with no relation to the right ones where these fill two rows of a tile or more to the end.
 */
export const oddChannels = [
  ruleFor(['Conv'], ({ op, inputs: [x, filter], attributes }, builder) => {
    if (attributes.group > 1 || !isMiscounted(x, 1, filter.shape.slice(2))) return undefined;
    return builder.emit(op, [withZeros(x, 1, builder), withZeros(filter, 1, builder)], attributes);
  }),
  // A convolution with the output's gradient as its filter, whose channels are the images.
  ruleFor(['ConvFilterGradient'], ({ op, inputs: [x, dy], attributes }, builder) => {
    if (attributes.group > 1 || !isMiscounted(x, 0, dy.shape.slice(2))) return undefined;
    return builder.emit(op, [withZeros(x, 0, builder), withZeros(dy, 0, builder)], attributes);
  }),
];

function isMiscounted(x: Value, axis: number, kernel: readonly number[]): boolean {
  const channels = at(x.shape, axis);
  if (x.dtype !== 'bfloat16' || channels % 2 === 1 || channels >= MANY_CHANNELS) return false;
  return kernel.some((size) => channels * size >= 2 * ROW && (channels * size) % ROW === 0);
}

/** One more along an axis, all zeros. */
function withZeros(x: Value, axis: number, builder: GraphBuilder): Value {
  const after = x.shape.map((_, i) => (i === axis ? 1 : 0));
  return builder.emit('Pad', [x], { before: x.shape.map(() => 0), after, value: 0 });
}
