/** Pooling, its gradient, and running sums: what goes over a tensor window by window. */
import { at } from '../../../graph/lists';
import type { Pooling } from '../../../graph/ops';
import type { Lowering, LoweringWriter } from './lowering';
import { i64s, pairs, type Ref, type TensorType } from './writer';

const ones = (axes: readonly unknown[]) => axes.map(() => 1);

/** Windows over all axes; `padding` has what is added before and after each. */
function reduceWindow(
  op: string,
  x: Ref,
  initial: number,
  type: TensorType,
  windows: {
    readonly sizes: readonly number[];
    readonly strides: readonly number[];
    readonly padding: readonly (readonly [number, number])[];
  },
  w: LoweringWriter,
): Ref {
  const scalar = { dtype: x.dtype, shape: [] };
  const attributes = {
    window_dimensions: i64s(windows.sizes),
    window_strides: i64s(windows.strides),
    base_dilations: i64s(ones(x.shape)),
    window_dilations: i64s(ones(x.shape)),
    padding: pairs(windows.padding),
  };
  const [result] = w.emitWith('reduce_window', [x, w.filled(initial, scalar)], [type], attributes, {
    args: [scalar, scalar],
    body: (operands) => [w.emit(op, operands, scalar)],
  });
  return result as Ref;
}

/** Those of images [n, c, ...space]. */
const imageWindows = ({ kernel, strides, pads }: Pooling) => ({
  sizes: [1, 1, ...kernel],
  strides: [1, 1, ...strides],
  padding: [
    [0, 0] as const,
    [0, 0] as const,
    ...kernel.map((_, i) => [at(pads, i), at(pads, i + kernel.length)] as const),
  ],
});

/** What belongs to windows [n, c, ...counts], at each of the pixels [n, c, ...space] that a window may hold; `none` at others. */
function atPixels(
  x: Ref,
  { strides, pads }: Pooling,
  image: readonly number[],
  none: number,
  w: LoweringWriter,
): Ref {
  const [n = 0, c = 0, ...counts] = x.shape;
  const spread = counts.flatMap((count, i) => [count, at(strides, i)]);
  const kept = [n, c, ...counts.flatMap((count) => [count, 1])];
  const wide = w.reshape(w.broadcast(w.reshape(x, kept), [n, c, ...spread]), [
    n,
    c,
    ...counts.map((count, i) => count * at(strides, i)),
  ]);
  const low = strides.map((_, i) => -at(pads, i));
  const high = strides.map((stride, i) => at(image, i + 2) - (at(counts, i) * stride - at(pads, i)));
  return w.pad(wide, [0, 0, ...low], [0, 0, ...high], none);
}

/** The number of every pixel in its image. */
function pixelNumbers([, , ...space]: readonly number[], w: LoweringWriter): Ref {
  const count = space.reduce((size, dim) => size * dim, 1);
  return w.reshape(w.iota({ dtype: 'int32', shape: [count] }, 0), [1, 1, ...space]);
}

const BEYOND = 2 ** 31 - 1;

/**
 * Values, and the numbers of the pixels that have them, the first of equal ones. Only the gradient of windows that do not
 * overlap asks for those, see `MaxUnpool`: a pixel is in one of them. As TensorFlow.js finds the largest, going on from
 * minus infinity to what is larger: NaN is passed over, and where there is nothing larger, no pixel has the value.
 */
export const lowerMaxPool: Lowering<'MaxPool'> = ({ attributes: a, outputs: [values] }, [x], w) => {
  const windows = imageWindows(a);
  const lowest = w.filled(Number.NEGATIVE_INFINITY, x);
  const known = w.select(w.compare('EQ', x, x), x, lowest);
  const largest = reduceWindow('maximum', known, Number.NEGATIVE_INFINITY, values, windows, w);
  const overlaps = a.kernel.some((size, i) => size > at(a.strides, i));
  if (overlaps) return [largest];
  const isLargest = w.compare('EQ', x, atPixels(largest, a, x.shape, Number.NaN, w));
  const isSome = w.emit('and', [isLargest, w.compare('GT', x, lowest)], isLargest);
  const numbers = w.broadcast(pixelNumbers(x.shape, w), x.shape);
  const found = w.select(isSome, numbers, w.filled(BEYOND, { dtype: 'int32', shape: x.shape }));
  const type = { dtype: 'int32', shape: values.shape } as const;
  return [largest, reduceWindow('minimum', found, BEYOND, type, windows, w)];
};

/** Every value to its pixel in an image of zeros. */
export const lowerMaxUnpool: Lowering<'MaxUnpool'> = ({ attributes: a }, [dy, found], w) => {
  const image = a.outputShape;
  const numbers = w.broadcast(pixelNumbers(image, w), image);
  const here = w.compare('EQ', atPixels(found, a, image, -1, w), numbers);
  return w.select(here, atPixels(dy, a, image, 0, w), w.filled(0, { dtype: dy.dtype, shape: image }));
};

/** How many pixels of each window there are, along one axis. */
const filledPlaces = (size: number, count: number, kernel: number, stride: number, pad: number) =>
  Float32Array.from({ length: count }, (_, i) => {
    const begin = i * stride - pad;
    return Math.min(begin + kernel, size) - Math.max(begin, 0);
  });

export const lowerAveragePool: Lowering<'AveragePool'> = ({ attributes: a, outputs: [y] }, [x], w) => {
  const sum = reduceWindow('add', x, 0, y, imageWindows(a), w);
  const counts = a.kernel.map((kernel, i) => {
    const places = filledPlaces(
      at(x.shape, i + 2),
      at(y.shape, i + 2),
      kernel,
      at(a.strides, i),
      at(a.pads, i),
    );
    const shape = y.shape.map((_, axis) => (axis === i + 2 ? places.length : 1));
    return w.broadcast(w.constant(places, { dtype: 'float32', shape }), y.shape);
  });
  return counts.reduce((value, count) => w.emit('divide', [value, count], y), sum);
};

export const lowerCumSum: Lowering<'CumSum'> = ({ attributes: { axis, exclusive, reverse } }, [x], w) => {
  const along = (value: number) => x.shape.map((_, i) => (i === axis ? value : 0));
  // Without the element itself: all are moved by one.
  const shifted = (by: number) => w.pad(x, along(by), along(-by), 0);
  const length = at(x.shape, axis);
  return reduceWindow(
    'add',
    exclusive ? shifted(reverse ? -1 : 1) : x,
    0,
    x,
    {
      sizes: x.shape.map((_, i) => (i === axis ? length : 1)),
      strides: ones(x.shape),
      padding: along(length - 1).map((pad) => (reverse ? ([0, pad] as const) : ([pad, 0] as const))),
    },
    w,
  );
};
