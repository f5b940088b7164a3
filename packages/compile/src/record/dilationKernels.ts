/** Morphological dilation: the largest sum of pixel and filter in every window, and where it was. */
import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import { at, ofLength } from '../graph/lists';
import { fromGraph, toGraph } from './convKernels';
import { type RecordKernel, type RecordKernels, reshape } from './kernelParts';
import { cropped, filterWindows, isEmpty, uncropped, type WindowAttributes, zeros } from './windows';
import { spread, taps } from './windowTaps';

/** What a window has at least, as TensorFlow.js begins with; padding has less. */
const LEAST = Number.MIN_SAFE_INTEGER;

/** The sums [N, C, ...counts] at each place of the windows. */
function sumsOf(
  b: GraphBuilder,
  x: Value,
  filter: Value,
  attrs: WindowAttributes,
  counts?: readonly number[],
) {
  if (x.dtype !== 'float32' || filter.dtype !== 'float32') {
    throw new Error(`Dilation of ${x.dtype} by ${filter.dtype} can't be traced; cast both to float32.`);
  }
  const [kh, kw, channels] = ofLength(filter.shape, 3);
  const windows = filterWindows(x.shape, [kh, kw, channels, channels], attrs, counts);
  const image = cropped(b, toGraph(b, x), windows);
  const weights = reshape(b, filter, [kh * kw, channels]);
  const sums = taps(b, image, windows, Number.NEGATIVE_INFINITY).map((view, place) => {
    const row = b.emit('Slice', [weights], { begin: [place, 0], size: [1, channels], strides: [1, 1] });
    return b.emit('Add', [view, reshape(b, row, [1, channels, 1, 1])]);
  });
  return { windows, image, sums };
}

const larger = (b: GraphBuilder, most: Value, sum: Value) =>
  b.emit('Where', [b.emit('Greater', [sum, most]), sum, most]);

const dilation: RecordKernel<'x' | 'filter', WindowAttributes> = ({ x, filter }, attrs, b) => {
  const { windows, image, sums } = sumsOf(b, x, filter, attrs);
  const shape = [...image.shape.slice(0, 2), ...windows.counts];
  if (isEmpty(shape) || isEmpty(filter.shape)) return fromGraph(b, zeros(b, shape));
  return fromGraph(
    b,
    sums.reduce((most, sum) => larger(b, most, sum), b.scalar(LEAST)),
  );
};

/** What each place of the windows gets of their gradients: the first of the largest sums has all of it. */
function shares(b: GraphBuilder, dy: Value, sums: readonly Value[]): Value[] {
  const most = sums.reduce((all, sum) => larger(b, all, sum), b.scalar(LEAST));
  const none = b.scalar(0);
  let left = dy;
  return sums.map((sum) => {
    const here = b.emit('Equal', [sum, most]);
    const share = b.emit('Where', [here, left, none]);
    left = b.emit('Where', [here, none, left]);
    return share;
  });
}

type Gradient = RecordKernel<'x' | 'filter' | 'dy', WindowAttributes>;

const inputGradient: Gradient = ({ x, filter, dy }, attrs, b) => {
  if ([x, filter, dy].some(({ shape }) => isEmpty(shape))) return zeros(b, x.shape);
  const gradient = toGraph(b, dy);
  const { windows, image, sums } = sumsOf(b, x, filter, attrs, gradient.shape.slice(2));
  const dx = spread(b, shares(b, gradient, sums), windows, image.shape.slice(2));
  return fromGraph(b, uncropped(b, dx, windows));
};

const filterGradient: Gradient = ({ x, filter, dy }, attrs, b) => {
  if ([x, filter, dy].some(({ shape }) => isEmpty(shape))) return zeros(b, filter.shape);
  const gradient = toGraph(b, dy);
  const { sums } = sumsOf(b, x, filter, attrs, gradient.shape.slice(2));
  const rows = shares(b, gradient, sums).map((share) => {
    const sum = b.emit('ReduceSum', [share], { axes: [0, 2, 3], keepDims: false });
    return reshape(b, sum, [1, at(share.shape, 1)]);
  });
  return reshape(b, b.emit('Concat', rows, { axis: 0 }), filter.shape);
};

export const dilationKernels: RecordKernels = {
  Dilation2D: dilation,
  Dilation2DBackpropInput: inputGradient,
  Dilation2DBackpropFilter: filterGradient,
};
