/** What finds places, and what goes by them. Indices that are none are clamped or left out: `CheckedIndex` tells. */
import { at } from '../../../graph/lists';
import type { Lowering, LoweringWriter, XlaOp } from './lowering';
import { i64, i64s, type Ref, type TensorType } from './writer';

const range = (length: number, from = 0) => Array.from({ length }, (_, i) => from + i);
const list = (values: readonly number[]) => `[${values.join(', ')}]`;
const SCALAR = { float32: { dtype: 'float32', shape: [] }, int32: { dtype: 'int32', shape: [] } } as const;

/** @param dims axes of the result along the slices, axes of `x` of which a slice has one place, which it leaves out */
function gather(
  [x, indices]: readonly [Ref, Ref],
  type: TensorType,
  dims: {
    readonly offset: readonly number[];
    readonly collapsed: readonly number[];
    readonly vectorDim: number;
  },
  w: LoweringWriter,
): Ref {
  const sizes = x.shape.map((size, axis) => (dims.collapsed.includes(axis) ? 1 : size));
  return w.emit('gather', [x, indices], type, {
    dimension_numbers:
      `#stablehlo.gather<offset_dims = ${list(dims.offset)}, collapsed_slice_dims = ${list(dims.collapsed)}, ` +
      `start_index_map = ${list(dims.collapsed)}, index_vector_dim = ${dims.vectorDim}>`,
    slice_sizes: i64s(sizes),
    indices_are_sorted: 'false',
  });
}

/** What `indices` name of an axis of `x`, whose place their axes take. */
export function take(inputs: readonly [Ref, Ref], axis: number, w: LoweringWriter): Ref {
  const [x, { shape: places }] = inputs;
  const shape = [...x.shape.slice(0, axis), ...places, ...x.shape.slice(axis + 1)];
  const offset = [...range(axis), ...range(x.shape.length - axis - 1, axis + places.length)];
  const dims = { offset, collapsed: [axis], vectorDim: places.length };
  return gather(inputs, { dtype: x.dtype, shape }, dims, w);
}

/** `target` with `updates` [n, ...] put where `indices` [n, depth] say. */
function scatter(
  [target, indices, updates]: readonly [Ref, Ref, Ref],
  depth: number,
  combine: (old: Ref, update: Ref) => Ref,
  w: LoweringWriter,
): Ref {
  const batch = indices.shape.length - 1;
  const scalar = { dtype: target.dtype, shape: [] };
  const attributes = {
    scatter_dimension_numbers:
      `#stablehlo.scatter<update_window_dims = ${list(range(updates.shape.length - batch, batch))}, ` +
      `inserted_window_dims = ${list(range(depth))}, scatter_dims_to_operand_dims = ${list(range(depth))}, ` +
      `index_vector_dim = ${batch}>`,
    indices_are_sorted: 'false',
    unique_indices: 'false',
  };
  const [result] = w.emitWith('scatter', [target, indices, updates], [target], attributes, {
    args: [scalar, scalar],
    body: ([old, update]) => [combine(old as Ref, update as Ref)],
  });
  return result as Ref;
}

/**
 * By pairs of element and place. Numbers that are none are passed over, but in front: there it is the extreme, and at all
 * other places the opposite one.
 */
const argExtreme: Lowering<'ArgMax' | 'ArgMin'> = ({ op, attributes: { axis } }, [x], w) => {
  const [most, least] =
    x.dtype === 'float32' ? [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] : [2 ** 31 - 1, -(2 ** 31)];
  const [winning, losing] = op === 'ArgMax' ? [most, least] : [least, most];
  const places = w.iota({ dtype: 'int32', shape: x.shape }, axis);
  const isFirst = w.compare('EQ', places, w.filled(0, places));
  const forNaN = w.select(isFirst, w.filled(winning, x), w.filled(losing, x));
  const known = x.dtype === 'float32' ? w.select(w.compare('EQ', x, x), x, forNaN) : x;
  const shape = x.shape.filter((_, i) => i !== axis);
  const value = { dtype: x.dtype, shape: [] };
  const initial = [w.filled(losing, value), w.filled(2 ** 31 - 1, SCALAR.int32)];
  const [, place] = w.emitWith(
    'reduce',
    [known, places, ...initial],
    [
      { dtype: x.dtype, shape },
      { dtype: 'int32', shape },
    ],
    { dimensions: i64s([axis]) },
    {
      args: [value, SCALAR.int32, value, SCALAR.int32],
      body: (args) => {
        const [a, i, b, j] = args as readonly [Ref, Ref, Ref, Ref];
        const ahead = w.compare(op === 'ArgMax' ? 'GT' : 'LT', a, b);
        const first = w.emit('and', [w.compare('EQ', a, b), w.compare('LT', i, j)], {
          dtype: 'bool',
          shape: [],
        });
        const takes = w.emit('or', [ahead, first], { dtype: 'bool', shape: [] });
        return [w.select(takes, a, b), w.select(takes, i, j)];
      },
    },
  );
  return place as Ref;
};

export const INDEXING = {
  ArgMax: argExtreme,
  ArgMin: argExtreme,
  Gather: ({ attributes: { axis } }, inputs, w) => take(inputs, axis, w),
  GatherND: ({ outputs: [y] }, inputs, w) => {
    const [, { shape }] = inputs;
    const batch = shape.length - 1;
    const collapsed = range(at(shape, -1));
    return gather(
      inputs,
      y,
      { offset: range(y.shape.length - batch, batch), collapsed, vectorDim: batch },
      w,
    );
  },
  ScatterND: ({ attributes: { reduction } }, inputs, w) => {
    const [target, { shape }] = inputs;
    const scalar = { dtype: target.dtype, shape: [] };
    const ops = { add: 'add', max: 'maximum' } as const;
    return scatter(
      inputs,
      at(shape, -1),
      (old, update) => (reduction === 'none' ? update : w.emit(ops[reduction], [old, update], scalar)),
      w,
    );
  },
  ScatterAdd: ({ outputs: [value] }, [x, indices], w) => {
    const rows = w.reshape(indices, [...indices.shape, 1]);
    const scalar = { dtype: x.dtype, shape: [] };
    return scatter(
      [w.filled(0, value), rows, x],
      1,
      (old, update) => w.emit('add', [old, update], scalar),
      w,
    );
  },
  CheckedIndex: ({ attributes: { op, limits } }, [indices], w) => {
    const axis = indices.shape.length - 1;
    const column = (i: number) =>
      limits.length === 1
        ? indices
        : w.slice(
            indices,
            indices.shape.map((_, a) => (a === axis ? i : 0)),
            [...indices.shape.slice(0, -1), 1],
          );
    limits.forEach((limit, i) => {
      w.check(column(i), { op, limit });
    });
    return indices;
  },
  // Sorted, not by XLA's TopK: that has 0 before -0, which are equal.
  TopK: ({ inputs: [{ shape }], attributes: { k } }, [x], w) => {
    const axis = shape.length - 1;
    const numbers = w.iota({ dtype: 'int32', shape }, axis);
    const value = { dtype: x.dtype, shape: [] };
    const sorted = w.emitWith(
      'sort',
      [x, numbers],
      [x, numbers],
      { dimension: i64(axis), is_stable: 'true' },
      {
        args: [value, value, SCALAR.int32, SCALAR.int32],
        body: (args) => {
          const [a, b] = args as readonly [Ref, Ref];
          return [w.compare('GT', a, b)];
        },
      },
    );
    return sorted.map((whole) =>
      w.slice(
        whole,
        shape.map(() => 0),
        [...shape.slice(0, -1), k],
      ),
    );
  },
} satisfies { readonly [K in XlaOp]?: Lowering<K> };
