import type { GraphBuilder } from '../../graph/builder';
import type { Node, Value } from '../../graph/graph';
import { at } from '../../graph/lists';

/**
 * Convolutions over three axes have their dilations written out, as zeros in the filter: OpenVINO 2026.4 computes other
 * numbers where the first of the axes is dilated.
 *
 * @returns what takes a node's place, or `undefined` for all other nodes
 */
export function dilatedFilters({ op, inputs, attributes }: Node, builder: GraphBuilder): Value | undefined {
  if (op !== 'Conv') return undefined;
  const [x, filter] = inputs;
  const { dilations } = attributes;
  if (filter.shape.length !== 5 || dilations.every((dilation) => dilation === 1)) return undefined;
  const wide = dilations.reduce((value, dilation, i) => withZeros(value, i + 2, dilation, builder), filter);
  return builder.emit(op, [x, wide], { ...attributes, dilations: dilations.map(() => 1) });
}

/** Every number along an axis `step` places after the one before, with zeros between. */
function withZeros(value: Value, axis: number, step: number, builder: GraphBuilder): Value {
  const { shape } = value;
  const length = at(shape, axis);
  if (step === 1 || length === 1) return value;
  const column = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)];
  const spaced = builder.emit('Pad', [builder.emit('Reshape', [value], { shape: column })], {
    before: column.map(() => 0),
    after: column.map((_, i) => (i === axis + 1 ? step - 1 : 0)),
    value: 0,
  });
  const along = (size: number) => shape.map((dim, i) => (i === axis ? size : dim));
  return builder.emit('Slice', [builder.emit('Reshape', [spaced], { shape: along(length * step) })], {
    begin: shape.map(() => 0),
    size: along((length - 1) * step + 1),
    strides: shape.map(() => 1),
  });
}
