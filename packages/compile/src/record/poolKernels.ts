/** Pools over two and three axes, their gradients, and the places of largest values. */
import type * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import { sizeOf, type Value } from '../graph/graph';
import { at, ofLength } from '../graph/lists';
import { fromGraph, toGraph } from './convKernels';
import type { RecordKernel, RecordKernels } from './kernelParts';
import {
  cropped,
  isEmpty,
  poolWindows,
  uncropped,
  type WindowAttributes,
  type Windows,
  zeros,
} from './windows';
import { placesOf, spread, taps } from './windowTaps';

type PoolAttributes = WindowAttributes & { readonly filterSize: number | number[] };
type Gradient = RecordKernel<'dy' | 'input', PoolAttributes>;

const attributesOf = ({ kernel, strides, pads }: Windows) => ({ kernel, strides, pads });
const first = (list: readonly number[]) => list.slice(0, list.length / 2);
const last = (list: readonly number[]) => list.slice(list.length / 2);

/** Engines want windows that meet the image: of padding alone they make different things. */
const meetsImage = ({ kernel, pads }: Windows) =>
  kernel.every((size, i) => at(pads, i) < size && at(pads, i + kernel.length) < size);

const smallest = (dtype: Value['dtype']) => (dtype === 'int32' ? -(2 ** 31) : Number.NEGATIVE_INFINITY);

/** The largest number of each window [N, C, ...counts]; no NaN is one, as in TensorFlow.js. */
function largest(b: GraphBuilder, image: Value, windows: Windows): Value {
  if (image.dtype === 'float32' && meetsImage(windows))
    return b.emit('MaxPool', [image], attributesOf(windows));
  const most = taps(b, image, windows, smallest(image.dtype)).reduce(
    (all, tap) => b.emit('Where', [b.emit('Greater', [tap, all]), tap, all]),
    b.scalar(smallest(image.dtype), image.dtype),
  );
  if (image.dtype === 'float32' || meetsImage(windows)) return most;
  // TensorFlow.js's whole number for padding alone is 0.
  const pixels = perWindow(b, windows, image.shape.slice(2), (count) => count);
  return b.emit('Where', [b.emit('Equal', [pixels, b.scalar(0)]), b.scalar(0, image.dtype), most]);
}

const maxPool =
  (dtypeOf: (x: Value) => Value['dtype']): RecordKernel<'x', PoolAttributes> =>
  ({ x }, attrs, b) => {
    const windows = poolWindows(x.shape, attrs);
    const image = cropped(b, toGraph(b, x), windows);
    const shape = [...image.shape.slice(0, 2), ...windows.counts];
    const y = isEmpty(shape) || isEmpty(image.shape) ? zeros(b, shape, x.dtype) : largest(b, image, windows);
    const values = fromGraph(b, y);
    const dtype = dtypeOf(x);
    return values.dtype === dtype ? values : b.emit('Cast', [values], { dtype });
  };

/** Windows that do not overlap: each pixel has one at most, whose index says where it is largest. */
const areApart = ({ kernel, strides, pads }: Windows) =>
  kernel.length === 2 && kernel.every((size, i) => size <= at(strides, i)) && pads.length === 4;

/**
 * What a max pool's windows get goes to their largest pixels, of equal ones to the first (in three dimensions to the
 * last, as TensorFlow.js has it). A window without a number gives nothing.
 */
const maxPoolGradient: Gradient = ({ dy, input }, attrs, b) => {
  const gradient = toGraph(b, dy);
  const windows = poolWindows(input.shape, attrs, gradient.shape.slice(2));
  if (isEmpty(input.shape) || isEmpty(dy.shape)) return zeros(b, input.shape);
  const image = cropped(b, toGraph(b, input), windows);
  if (areApart(windows) && meetsImage(windows)) {
    const [, indices] = b.emitAll('MaxPool', [image], attributesOf(windows));
    const dx = b.emit('MaxUnpool', [gradient, indices], {
      ...attributesOf(windows),
      outputShape: image.shape,
    });
    return fromGraph(b, uncropped(b, dx, windows));
  }
  const most = largest(b, image, windows);
  const none = b.scalar(0);
  let left = b.emit('Where', [b.emit('Greater', [most, b.scalar(Number.NEGATIVE_INFINITY)]), gradient, none]);
  const views = taps(b, image, windows, Number.NEGATIVE_INFINITY);
  const lastFirst = windows.kernel.length === 3;
  const parts: Value[] = [];
  for (const view of lastFirst ? views.toReversed() : views) {
    const here = b.emit('Equal', [view, most]);
    parts.push(b.emit('Where', [here, left, none]));
    left = b.emit('Where', [here, none, left]);
  }
  const dx = spread(b, lastFirst ? parts.reverse() : parts, windows, image.shape.slice(2));
  return fromGraph(b, uncropped(b, dx, windows));
};

/** How many pixels of the image each window has, along each axis: the product of these is their number. */
function pixelCounts({ kernel, strides, dilations, pads, counts }: Windows, space: readonly number[]) {
  return counts.map((count, axis) =>
    Array.from({ length: count }, (_, window) => {
      const begin = window * at(strides, axis) - at(pads, axis);
      const pixels = Array.from(
        { length: at(kernel, axis) },
        (_unused, i) => begin + i * at(dilations, axis),
      );
      return pixels.filter((pixel) => pixel >= 0 && pixel < at(space, axis)).length;
    }),
  );
}

/** A number for each window, [1, 1, ...counts], or one for all. */
function perWindow(
  b: GraphBuilder,
  windows: Windows,
  space: readonly number[],
  f: (pixels: number) => number,
) {
  const along = pixelCounts(windows, space);
  const numbers = along
    .reduce<number[]>((all, list) => all.flatMap((n) => list.map((m) => n * m)), [1])
    .map(f);
  return numbers.every((n) => Object.is(n, numbers[0]))
    ? b.scalar(at(numbers, 0))
    : b.constant(Float32Array.from(numbers), 'float32', [1, 1, ...windows.counts]);
}

/** The mean of the pixels of each window, without the padding; of padding alone NaN, or 0 in three dimensions. */
const averagePool: RecordKernel<'x', PoolAttributes> = ({ x }, attrs, b) => {
  const windows = poolWindows(x.shape, attrs);
  const image = cropped(b, toGraph(b, x), windows);
  const shape = [...image.shape.slice(0, 2), ...windows.counts];
  if (isEmpty(shape) || isEmpty(image.shape)) return fromGraph(b, zeros(b, shape));
  if (meetsImage(windows)) return fromGraph(b, b.emit('AveragePool', [image], attributesOf(windows)));
  const { kernel, pads, strides } = windows;
  const wide = b.emit('Pad', [image], {
    before: [0, 0, ...first(pads)],
    after: [0, 0, ...last(pads)],
    value: 0,
  });
  const means = b.emit('AveragePool', [wide], { kernel, strides, pads: pads.map(() => 0) });
  const pixels = perWindow(b, windows, image.shape.slice(2), (n) =>
    kernel.length === 3 ? Math.max(n, 1) : n,
  );
  return fromGraph(b, b.emit('Div', [b.emit('Mul', [means, b.scalar(sizeOf(kernel))]), pixels]));
};

/** Every pixel of a window gets the same part, one divided by the number of its pixels. */
const averagePoolGradient: Gradient = ({ dy, input }, attrs, b) => {
  const gradient = toGraph(b, dy);
  const windows = poolWindows(input.shape, attrs, gradient.shape.slice(2));
  if (isEmpty(input.shape) || isEmpty(dy.shape)) return zeros(b, input.shape);
  const whole = toGraph(b, input).shape;
  const space = whole
    .slice(2)
    .map((size, i) => size - at(windows.crop.before, i) - at(windows.crop.after, i));
  const share = perWindow(b, windows, space, (pixels) => 1 / pixels);
  const { kernel, strides } = windows;
  const tile =
    space.length === 2 && kernel.every((k, i) => k === strides[i] && k * at(windows.counts, i) === space[i]);
  const dx = tile
    ? b.emit('Mul', [b.emit('UpsampleNearest', [gradient], { factors: kernel }), share])
    : spread(
        b,
        placesOf(kernel).map(() => b.emit('Mul', [gradient, share])),
        windows,
        space,
      );
  return fromGraph(b, uncropped(b, dx, windows));
};

/** A whole number for every place [N, H, W, C], or fewer axes of it that broadcast: `f` of where it is along one. */
const counted = (b: GraphBuilder, shape: readonly number[], axis: number, f: (i: number) => number) =>
  b.constant(
    Int32Array.from({ length: at(shape, axis) }, (_, i) => f(i)),
    'int32',
    shape.map((dim, i) => (i === axis ? dim : 1)),
  );

/** The largest values of windows, and the places of the first of them in the image, flattened; -1 for none. */
const maxPoolWithArgmax: RecordKernel<'x', tf.MaxPoolWithArgmaxAttrs> = ({ x }, attrs, b) => {
  const windows = poolWindows(x.shape, attrs);
  const image = cropped(b, toGraph(b, x), windows);
  const shape = [...image.shape.slice(0, 2), ...windows.counts];
  if (isEmpty(shape) || isEmpty(image.shape)) {
    return [fromGraph(b, zeros(b, shape, x.dtype)), fromGraph(b, zeros(b, shape, 'int32'))];
  }
  const [, height, width, channels] = ofLength(x.shape, 4);
  const [[sy, sx], [top, left]] = [ofLength(windows.strides, 2), ofLength(windows.pads, 4)];
  let values: Value = b.scalar(smallest(x.dtype), x.dtype);
  let found: Value = b.scalar(-1, 'int32');
  const views = taps(b, image, windows, smallest(x.dtype));
  for (const [i, place] of placesOf(windows.kernel).entries()) {
    const [down, across] = ofLength(place, 2);
    const view = at(views, i);
    const more = b.emit('Greater', [view, values]);
    const rows = counted(b, shape, 2, (y) => (y * sy - top + down) * width * channels);
    const columns = counted(b, shape, 3, (x) => (x * sx - left + across) * channels);
    values = b.emit('Where', [more, view, values]);
    found = b.emit('Where', [more, b.emit('Add', [rows, columns]), found]);
  }
  const images = attrs.includeBatchInIndex ? height * width * channels : 0;
  const from = b.emit('Add', [counted(b, shape, 0, (i) => i * images), counted(b, shape, 1, (i) => i)]);
  const none = b.emit('Less', [found, b.scalar(0, 'int32')]);
  const indices = b.emit('Where', [none, found, b.emit('Add', [found, from])]);
  return [fromGraph(b, values), fromGraph(b, indices)];
};

export const poolKernels: RecordKernels = {
  MaxPool: maxPool((x) => x.dtype),
  MaxPoolGrad: maxPoolGradient,
  MaxPoolWithArgmax: maxPoolWithArgmax,
  MaxPool3D: maxPool(() => 'float32'),
  MaxPool3DGrad: maxPoolGradient,
  AvgPool: averagePool,
  AvgPoolGrad: averagePoolGradient,
  AvgPool3D: averagePool,
  AvgPool3DGrad: averagePoolGradient,
};
