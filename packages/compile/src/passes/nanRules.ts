/**
 * What both engines lose: a number that is none. A rule that has made an op exact marks the engine's own op inside with
 * `native`, so that it is not made exact again.
 */
import type { GraphBuilder } from '../graph/builder';
import type { Attributes, Value } from '../graph/graph';
import type { Rule } from './rule';

/** `value`, but NaN where `x` is. */
export const unlessNaN = (builder: GraphBuilder, x: Value, value: Value): Value =>
  builder.emit('Where', [builder.emit('Equal', [x, x]), value, x]);

/** Of the engine itself. */
export const native = (
  builder: GraphBuilder,
  op: string,
  inputs: readonly Value[],
  attributes: Attributes = {},
): Value => builder.emit(op, inputs, { ...attributes, native: true });

/** The largest and smallest element, to which the elements that are NaN are added up. */
export const extremesKeepNaN: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if ((op !== 'ReduceMax' && op !== 'ReduceMin') || x!.dtype !== 'float32' || attributes.native)
    return undefined;
  const onlyNaN = builder.emit('Where', [builder.emit('Equal', [x!, x!]), builder.scalar(0), x!]);
  const extreme = native(builder, op, [x!], attributes);
  return builder.emit('Add', [extreme, builder.emit('ReduceSum', [onlyNaN], attributes)]);
};
