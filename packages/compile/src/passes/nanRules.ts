/**
 * What both engines lose: a number that is none. A rule that has made an op exact marks the engine's own op inside with
 * `native`, so that it is not made exact again.
 */
import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import { ruleFor } from './rule';

/** `value`, but NaN where `x` is. */
export const unlessNaN = (builder: GraphBuilder, x: Value, value: Value): Value =>
  builder.emit('Where', [builder.emit('Equal', [x, x]), value, x]);

/** Marks an op as the engine's own. */
export const NATIVE = { native: true } as const;

/** The largest and smallest element, to which the elements that are NaN are added up. */
export const extremesKeepNaN = ruleFor(
  ['ReduceMax', 'ReduceMin'],
  ({ op, inputs: [x], attributes }, builder) => {
    if (x.dtype !== 'float32' || attributes.native) return undefined;
    const onlyNaN = builder.emit('Where', [builder.emit('Equal', [x, x]), builder.scalar(0), x]);
    const extreme = builder.emit(op, [x], { ...attributes, ...NATIVE });
    return builder.emit('Add', [extreme, builder.emit('ReduceSum', [onlyNaN], attributes)]);
  },
);
