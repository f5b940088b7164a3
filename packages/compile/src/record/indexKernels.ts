import * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import { sizeOf, type Value, type ValueType } from '../graph/graph';
import { at, ofLength } from '../graph/lists';
import { checkedIndex } from '../passes/checkedIndices';
import { cast } from './casts';
import { choose, type Operands, type RecordKernels, reshape, transpose } from './kernelParts';

const integers = (b: GraphBuilder, values: readonly number[], shape: readonly number[] = [values.length]) =>
  b.constant(Int32Array.from(values), 'int32', shape);
const upTo = (b: GraphBuilder, length: number) =>
  integers(
    b,
    Array.from({ length }, (_, i) => i),
  );

/** TensorFlow.js's helpers ask for a tensor and read its shape alone. */
const shaped = (x: Value) => ({ shape: [...x.shape] }) as unknown as tf.TensorInfo;

const zeros = (b: GraphBuilder, dtype: ValueType, shape: readonly number[]) =>
  b.emit('Broadcast', [b.scalar(0, dtype)], { shape });

const gather = (b: GraphBuilder, x: Value, indices: Value, axis = 0) =>
  b.emit('Gather', [x, indices], { axis });

/** `rows` [n, ...] added up by `ids` [n], of which those outside of [0, count) count nowhere: [count, ...]. */
function segmentSum(b: GraphBuilder, rows: Value, ids: Value, count: number): Value {
  const notBelow = b.emit('GreaterOrEqual', [ids, b.scalar(0, 'int32')]);
  const inside = b.emit('And', [notBelow, b.emit('Less', [ids, b.scalar(count, 'int32')])]);
  // The others go to one row more, which is left out: the rows before it are a view.
  const somewhere = b.emit('Where', [inside, ids, b.scalar(count, 'int32')]);
  const sums = b.emit('ScatterAdd', [rows, somewhere], { numRows: count + 1 });
  const size = [count, ...rows.shape.slice(1)];
  return b.emit('Slice', [sums], { begin: size.map(() => 0), size, strides: size.map(() => 1) });
}

/** How often each of the first `size` numbers occurs in the rows of `x` [rows, n], by weight where there are weights. */
function countRows(b: GraphBuilder, x: Value, weights: Value, size: number, binary: boolean): Value {
  const [rows, length] = ofLength(x.shape, 2);
  const { dtype } = weights;
  // Those that are too large go to one column more, which is left out.
  const counted = b.emit('Where', [b.emit('Less', [x, b.scalar(size, 'int32')]), x, b.scalar(size, 'int32')]);
  const columns = checkedIndex(b, counted, [size + 1], 'Bincount');
  const places = withRowNumbers(b, reshape(b, columns, [rows * length, 1]), rows);
  const weighted = !binary && sizeOf(weights.shape) > 0;
  const added = weighted
    ? reshape(b, weights, [rows * length])
    : b.emit('Broadcast', [b.scalar(1, dtype)], { shape: [rows * length] });
  const sums = b.emit('ScatterND', [zeros(b, dtype, [rows, size + 1]), places, added], {
    reduction: 'add',
  });
  const some = b.emit('Slice', [sums], { begin: [0, 0], size: [rows, size], strides: [1, 1] });
  return binary ? b.emit('Min', [some, b.scalar(1, dtype)]) : some;
}

/** Indices [rows * n, 1] inside of a row, with the number of the row in front: [rows * n, 2]. */
function withRowNumbers(b: GraphBuilder, indices: Value, rows: number): Value {
  const count = at(indices.shape, 0);
  const numbers = Array.from({ length: count }, (_, i) => Math.floor((i * rows) / count));
  return b.emit('Concat', [integers(b, numbers, [count, 1]), indices], { axis: 1 });
}

/** Indices [n, depth] into a tensor of `shape` and updates [n, ...] for what is there, as a scatter takes them. */
function scatterParts(
  b: GraphBuilder,
  op: string,
  indices: Value,
  updates: Value,
  shape: readonly number[],
): [indices: Value, updates: Value] {
  const depth = indices.shape.length > 1 ? at(indices.shape, -1) : 1;
  if (depth === 0)
    throw new Error(`${op} by indices of shape [${indices.shape}]: expected at least one number each.`);
  const count = sizeOf(indices.shape) / depth;
  const parts = [count, ...shape.slice(depth)];
  const all = updates.shape.length === 0 ? b.emit('Broadcast', [updates], { shape: parts }) : updates;
  const places = checkedIndex(b, reshape(b, indices, [count, depth]), shape.slice(0, depth), op);
  return [places, reshape(b, all, parts)];
}

/** `target` with `updates` [n, ...] at `places` [n, depth]; of those for one place the last counts. */
function replaced(b: GraphBuilder, target: Value, places: Value, updates: Value): Value {
  const [count, depth] = ofLength(places.shape, 2);
  // Engines write in any order: all updates of one place are made the same.
  const none = zeros(b, 'int32', target.shape.slice(0, depth));
  const last = b.emit('ScatterND', [none, places, upTo(b, count)], { reduction: 'max' });
  const lasting = gather(b, updates, b.emit('GatherND', [last, places]));
  return b.emit('ScatterND', [target, places, lasting], { reduction: 'none' });
}

interface OneHotAttributes extends Omit<tf.OneHotAttrs, 'dtype'> {
  readonly dtype?: ValueType;
}

/** Kernels whose operands are places: indices, classes, segments. */
export const indexKernels: RecordKernels = {
  OneHot: ({ indices }: Operands<'indices'>, { depth, onValue, offValue, dtype }: OneHotAttributes, b) => {
    const hit = b.emit('Equal', [reshape(b, indices, [...indices.shape, 1]), upTo(b, depth)]);
    const type = dtype ?? 'int32';
    if (onValue === 1 && offValue === 0) return cast(b, hit, type);
    return choose(b, hit, b.scalar(onValue, type), b.scalar(offValue, type));
  },
  GatherV2: ({ x, indices }: Operands<'x' | 'indices'>, { axis, batchDims = 0 }: tf.GatherV2Attrs, b) => {
    const along = at(tf.util.parseAxisParam(axis, [...x.shape]), 0);
    const length = at(x.shape, along);
    if (batchDims === 0) return gather(b, x, checkedIndex(b, indices, [length], 'GatherV2'), along);
    const { batchSize, outerSize, sliceSize, outputShape } =
      tf.backend_util.segment_util.collectGatherOpShapeInfo(shaped(x), shaped(indices), along, batchDims);
    const count = sizeOf(indices.shape);
    const own = reshape(b, checkedIndex(b, indices, [length], 'GatherV2'), [count, 1]);
    const parts = transpose(b, reshape(b, x, [batchSize, outerSize, length, sliceSize]), [0, 2, 1, 3]);
    const found = b.emit('GatherND', [parts, withRowNumbers(b, own, batchSize)]);
    const byBatch = reshape(b, found, [batchSize, count / batchSize, outerSize, sliceSize]);
    return reshape(b, transpose(b, byBatch, [0, 2, 1, 3]), outputShape);
  },
  GatherNd: ({ params, indices }: Operands<'params' | 'indices'>, _, b) => {
    const depth = at(indices.shape, -1);
    if (depth === 0) {
      return b.emit('Broadcast', [params], { shape: [...indices.shape.slice(0, -1), ...params.shape] });
    }
    return b.emit('GatherND', [params, checkedIndex(b, indices, params.shape.slice(0, depth), 'GatherNd')]);
  },
  ScatterNd: ({ indices, updates }: Operands<'indices' | 'updates'>, { shape }: tf.ScatterNdAttrs, b) => {
    const parts = scatterParts(b, 'ScatterNd', indices, updates, shape);
    return b.emit('ScatterND', [zeros(b, updates.dtype, shape), ...parts], { reduction: 'add' });
  },
  TensorScatterUpdate: ({ tensor, indices, updates }: Operands<'tensor' | 'indices' | 'updates'>, _, b) =>
    replaced(b, tensor, ...scatterParts(b, 'TensorScatterUpdate', indices, updates, tensor.shape)),
  SparseToDense: (
    {
      sparseIndices,
      sparseValues,
      defaultValue,
    }: Operands<'sparseIndices' | 'sparseValues' | 'defaultValue'>,
    { outputShape }: tf.SparseToDenseAttrs,
    b,
  ) => {
    const indices = sparseIndices.shape.length === 0 ? reshape(b, sparseIndices, [1]) : sparseIndices;
    const empty = b.emit('Broadcast', [defaultValue], { shape: outputShape });
    return replaced(b, empty, ...scatterParts(b, 'SparseToDense', indices, sparseValues, outputShape));
  },
  // TensorFlow.js multiplies by a mask of floats: the sums of integers are floats.
  UnsortedSegmentSum: (
    { x, segmentIds }: Operands<'x' | 'segmentIds'>,
    { numSegments }: tf.UnsortedSegmentSumAttrs,
    b,
  ) => {
    const { length: rank } = segmentIds.shape;
    if (rank !== 1) {
      throw new Error(
        `UnsortedSegmentSum by segment ids of shape [${segmentIds.shape}]: expected one axis. Flatten them, and the ` +
          `first ${rank} axes of x [${x.shape}].`,
      );
    }
    return segmentSum(b, cast(b, x, 'float32'), segmentIds, numSegments);
  },
  Bincount: ({ x, weights }: Operands<'x' | 'weights'>, { size }: tf.BincountAttrs, b) => {
    const row = reshape(b, x, [1, sizeOf(x.shape)]);
    return reshape(b, countRows(b, row, weights, size, false), [size]);
  },
  DenseBincount: (
    { x, weights }: Operands<'x' | 'weights'>,
    { size, binaryOutput }: tf.DenseBincountAttrs,
    b,
  ) => {
    if (x.shape.length === 2) return countRows(b, x, weights, size, !!binaryOutput);
    const row = reshape(b, x, [1, sizeOf(x.shape)]);
    return reshape(b, countRows(b, row, weights, size, false), [size]);
  },
  /** How many numbers of the sorted row are below a value, or not above it. */
  SearchSorted: (
    { sortedSequence, values }: Operands<'sortedSequence' | 'values'>,
    { side }: tf.SearchSortedAttrs,
    b,
  ) => {
    const [rows, length] = ofLength(sortedSequence.shape, 2);
    const [, count] = ofLength(values.shape, 2);
    const before = b.emit(side === 'left' ? 'Less' : 'LessOrEqual', [
      reshape(b, sortedSequence, [rows, 1, length]),
      reshape(b, values, [rows, count, 1]),
    ]);
    return b.emit('ReduceSum', [cast(b, before, 'int32')], { axes: [2], keepDims: false });
  },
};
