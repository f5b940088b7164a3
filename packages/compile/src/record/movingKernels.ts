import * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import { padShape, sizeOf, type Value, type ValueType } from '../graph/graph';
import { at, ofLength } from '../graph/lists';
import { cast } from './casts';
import { choose, type Operands, type RecordKernels, reshape } from './kernelParts';
import { recordConstant } from './recordingBackend';

/** TensorFlow.js's helpers ask for a tensor and read its shape alone. */
const shaped = (x: Value) => ({ shape: [...x.shape] }) as unknown as tf.TensorInfo;

const axisOf = (axis: number, { shape }: Value): number => at(tf.util.parseAxisParam(axis, [...shape]), 0);

/** `size` elements of each axis from `begin` on, counted before `strides` leaves some of them out. */
const slice = (
  b: GraphBuilder,
  x: Value,
  begin: readonly number[],
  size: readonly number[],
  strides: readonly number[] = begin.map(() => 1),
) => b.emit('Slice', [x], { begin, size, strides });

const split = ({ x }: Operands<'x'>, { numOrSizeSplits, axis }: tf.SplitVAttrs, b: GraphBuilder): Value[] => {
  const along = axisOf(axis, x);
  const sizes = tf.backend_util.prepareSplitSize(shaped(x), numOrSizeSplits, along);
  let start = 0;
  return sizes.map((size) => {
    const begin = x.shape.map((_, i) => (i === along ? start : 0));
    start += size;
    return slice(
      b,
      x,
      begin,
      x.shape.map((dim, i) => (i === along ? size : dim)),
    );
  });
};

const concat = (b: GraphBuilder, parts: readonly Value[], axis: number) =>
  b.emit(
    'Concat',
    parts.map((part) => cast(b, part, at(parts, 0).dtype)),
    { axis },
  );

/** What floats count exactly: a larger fill of integers would be rounded on its way through an engine. */
const LARGEST_EXACT = 2 ** 24;

function pad(
  b: GraphBuilder,
  x: Value,
  paddings: readonly (readonly [number, number])[],
  value: number,
): Value {
  const whole = x.dtype === 'int32' ? Math.trunc(value) : x.dtype === 'bool' ? Number(value !== 0) : value;
  if (x.dtype !== 'int32' || Math.abs(whole) <= LARGEST_EXACT) {
    const [before, after] = [paddings.map(([n]) => n), paddings.map(([, n]) => n)];
    return b.emit('Pad', [x], { before, after, value: whole });
  }
  return paddings.reduce((y, sides, axis) => {
    const fill = (length: number) => {
      const shape = y.shape.map((dim, i) => (i === axis ? length : dim));
      return b.emit('Broadcast', [b.scalar(whole, 'int32')], { shape });
    };
    return concat(b, [fill(sides[0]), y, fill(sides[1])], axis);
  }, x);
}

/** `length` numbers from `start` on, added up in the precision of their type, as TensorFlow.js does. */
function sequence(start: number, step: number, length: number, dtype: ValueType): Value {
  const data = dtype === 'float32' ? new Float32Array(length) : new Int32Array(length);
  for (let i = 0; i < length; i++) data[i] = i === 0 ? start : at(data, i - 1) + step;
  return recordConstant(data, dtype, [length]);
}

/** Kernels that move elements, or make them of numbers that are known. */
export const movingKernels: RecordKernels = {
  Slice: ({ x }: Operands<'x'>, attrs: tf.SliceAttrs, b) => {
    const [begin, size] = ofLength(tf.slice_util.parseSliceParams(shaped(x), attrs.begin, attrs.size), 2);
    tf.slice_util.assertParamsValid(shaped(x), begin, size);
    if (begin.some((start) => start < 0)) {
      throw new Error(`A slice of [${x.shape}] begins at [${begin}]; expected no negative place.`);
    }
    return slice(b, x, begin, size);
  },
  StridedSlice: ({ x }: Operands<'x'>, attrs: tf.StridedSliceAttrs, b) => {
    const { begin, end, strides, finalShape } = tf.slice_util.sliceInfo(
      [...x.shape],
      attrs.begin,
      attrs.end,
      attrs.strides,
      attrs.beginMask,
      attrs.endMask,
      attrs.ellipsisMask,
      attrs.newAxisMask,
      attrs.shrinkAxisMask,
    );
    const size = begin.map((start, i) => Math.max(0, (at(end, i) - start) * Math.sign(at(strides, i))));
    return reshape(b, slice(b, x, begin, size, strides), finalShape);
  },
  Reverse: ({ x }: Operands<'x'>, { dims }: tf.ReverseAttrs, b) => {
    const axes = tf.util.parseAxisParam(dims, [...x.shape]);
    const reversed = x.shape.map((_, i) => axes.includes(i));
    return slice(
      b,
      x,
      x.shape.map((dim, i) => (reversed[i] ? dim - 1 : 0)),
      x.shape,
      reversed.map((backwards) => (backwards ? -1 : 1)),
    );
  },
  SplitV: split,
  Concat: (inputs, { axis }: tf.ConcatAttrs, b) => {
    const parts = Object.values(inputs);
    return concat(b, parts, axisOf(axis, at(parts, 0)));
  },
  Pack: (inputs, { axis }: tf.PackAttrs, b) => {
    const parts = Object.values(inputs);
    const shape = [...at(parts, 0).shape];
    const along = axis < 0 ? axis + shape.length + 1 : axis;
    shape.splice(along, 0, 1);
    return concat(
      b,
      parts.map((x) => reshape(b, x, shape)),
      along,
    );
  },
  Unpack: ({ value }: Operands<'value'>, { axis }: tf.UnpackAttrs, b) => {
    const along = axisOf(axis, value);
    const shape = value.shape.filter((_, i) => i !== along);
    const parts = split({ x: value }, { numOrSizeSplits: at(value.shape, along), axis: along }, b);
    return parts.map((part) => reshape(b, part, shape));
  },
  PadV2: ({ x }: Operands<'x'>, { paddings, constantValue }: tf.PadV2Attrs, b) =>
    pad(b, x, paddings, constantValue),
  Tile: ({ x }: Operands<'x'>, { reps }: tf.TileAttrs, b) => b.emit('Tile', [x], { repeats: reps }),
  Select: ({ condition, t, e }: Operands<'condition' | 't' | 'e'>, _, b) => {
    // A condition of fewer axes selects along the first ones.
    const missing = Math.max(0, t.shape.length - condition.shape.length);
    const chosen = reshape(b, condition, [...condition.shape, ...padShape([], missing)]);
    const dtype = tf.upcastType(t.dtype as tf.DataType, e.dtype as tf.DataType) as ValueType;
    return choose(b, chosen, cast(b, t, dtype), cast(b, e, dtype));
  },
  Diag: ({ x }: Operands<'x'>, _, b) => {
    const size = sizeOf(x.shape);
    const places = sequence(0, 1, size, 'int32');
    const onDiagonal = b.emit('Equal', [reshape(b, places, [size, 1]), places]);
    const matrix = choose(b, onDiagonal, reshape(b, x, [1, size]), b.scalar(0, x.dtype));
    return reshape(b, matrix, [...x.shape, ...x.shape]);
  },
  // A step of 1 is also what stands for none: it counts down where the end is below the start.
  Range: (_, { start, stop, step, dtype = 'float32' }: tf.RangeAttrs) => {
    const backwards = stop < start && step === 1;
    const empty = start === stop || (start < stop && step < 0) || (stop < start && step > 1);
    const length = empty ? 0 : Math.abs(Math.ceil((stop - start) / step));
    return sequence(start, backwards ? -1 : step, length, dtype);
  },
  LinSpace: (_, { start, stop, num }: tf.LinSpaceAttrs) =>
    sequence(start, (stop - start) / (num - 1), num, 'float32'),
};
