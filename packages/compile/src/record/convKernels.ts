/**
 * Convolutions over two and three axes. TensorFlow.js has channels last and filters [...kernel, in, out]; the graph has
 * channels first, as ONNX. The transposes between are recorded here and cancelled by the passes.
 */
import type { GraphBuilder } from '../graph/builder';
import { sameShape, sizeOf, type Value } from '../graph/graph';
import { at, mapEach, ofLength } from '../graph/lists';
import {
  applyFused,
  type FusedAttributes,
  type Operands,
  type RecordKernel,
  type RecordKernels,
  reshape,
  transpose,
} from './kernelParts';
import {
  convWindows,
  cropped,
  geometry,
  isEmpty,
  uncropped,
  type WindowAttributes,
  type Windows,
  zeros,
} from './windows';

/** Axes of [N, ...space, C] as [N, C, ...space]. */
const channelsFirst = (rank: number) => [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];
const channelsLast = (rank: number) => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
/** Axes of filters [...kernel, in, out] as [out, in, ...kernel]. */
const outFirst = (rank: number) => [rank - 1, rank - 2, ...Array.from({ length: rank - 2 }, (_, i) => i)];
const outLast = (rank: number) => [...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1, 0];

/** An image as the graph has it, [N, C, ...space], from TensorFlow.js's and back. */
export const toGraph = (b: GraphBuilder, image: Value, format?: string): Value =>
  format === 'NCHW' ? image : transpose(b, image, channelsFirst(image.shape.length));
export const fromGraph = (b: GraphBuilder, image: Value, format?: string): Value =>
  format === 'NCHW' ? image : transpose(b, image, channelsLast(image.shape.length));

/** The sizes [N, C, ...space] of an image whose sizes TensorFlow.js says. */
const graphShape = (shape: readonly number[], format?: string): readonly number[] =>
  format === 'NCHW' ? shape : channelsFirst(shape.length).map((axis) => at(shape, axis));

/** Filters of the graph, [out, in / group, ...kernel], and how they came to be. */
interface Filters {
  readonly group: number;
  /** Their shape in the graph. */
  readonly shape: readonly number[];
  toGraph(b: GraphBuilder, filter: Value): Value;
  fromGraph(b: GraphBuilder, filter: Value): Value;
}

function denseFilters(shape: readonly number[]): Filters {
  const perm = outFirst(shape.length);
  return {
    group: 1,
    shape: perm.map((axis) => at(shape, axis)),
    toGraph: (b, filter) => transpose(b, filter, perm),
    fromGraph: (b, filter) => transpose(b, filter, outLast(shape.length)),
  };
}

/** Depthwise filters [kh, kw, in, multiplier] are grouped ones, [in * multiplier, 1, kh, kw]. */
function depthwiseFilters(shape: readonly number[]): Filters {
  const [kh, kw, channels, multiplier] = ofLength(shape, 4);
  const grouped = [channels * multiplier, 1, kh, kw];
  return {
    group: channels,
    shape: grouped,
    toGraph: (b, filter) => reshape(b, transpose(b, filter, [2, 3, 0, 1]), grouped),
    fromGraph: (b, filter) => transpose(b, reshape(b, filter, [channels, multiplier, kh, kw]), [2, 3, 0, 1]),
  };
}

type FiltersOf = (shape: readonly number[]) => Filters;

function conv(
  b: GraphBuilder,
  x: Value,
  filter: Value,
  attrs: WindowAttributes,
  filtersOf: FiltersOf,
): Value {
  const filters = filtersOf(filter.shape);
  const windows = convWindows(x.shape, filter.shape, attrs);
  const image = toGraph(b, x, attrs.dataFormat);
  const shape = [at(image.shape, 0), at(filters.shape, 0), ...windows.counts];
  const y =
    isEmpty(shape) || isEmpty(x.shape) || isEmpty(filter.shape)
      ? zeros(b, shape)
      : b.emit('Conv', [cropped(b, image, windows), filters.toGraph(b, filter)], {
          ...geometry(windows),
          group: filters.group,
        });
  return fromGraph(b, y, attrs.dataFormat);
}

/**
 * The windows that the gradient dL/dy [N, O, ...counts] of a convolution belongs to, and the part of it that does.
 * TensorFlow.js's gradients forget how the number of windows was rounded, so that they have one more; and of a transposed
 * convolution, what is more than its result has room for does not count.
 */
function gradientWindows(
  b: GraphBuilder,
  gradient: Value,
  shape: readonly number[],
  filter: readonly number[],
  attrs: WindowAttributes,
): { readonly windows: Windows; readonly gradient: Value } {
  const counts = gradient.shape.slice(2);
  const rounded = mapEach([attrs.dimRoundingMode, 'ceil', 'round'] as const, (dimRoundingMode) =>
    convWindows(shape, filter, { ...attrs, dimRoundingMode }),
  );
  const own = rounded.find((windows) => sameShape(windows.counts, counts));
  if (own) return { windows: own, gradient };
  const [windows] = rounded;
  if (windows.counts.some((count, i) => count > at(counts, i))) {
    throw new Error(
      `A filter of [${filter}] has [${windows.counts}] windows on an image of [${shape}], but is given what belongs to ` +
        `[${counts}].`,
    );
  }
  const size = [...gradient.shape.slice(0, 2), ...windows.counts];
  const part = { begin: size.map(() => 0), size, strides: size.map(() => 1) };
  return { windows, gradient: b.emit('Slice', [gradient], part) };
}

function inputGradient(
  b: GraphBuilder,
  dy: Value,
  filter: Value,
  inputShape: readonly number[],
  attrs: WindowAttributes,
  filtersOf: FiltersOf,
): Value {
  const filters = filtersOf(filter.shape);
  const { windows, gradient } = gradientWindows(
    b,
    toGraph(b, dy, attrs.dataFormat),
    inputShape,
    filter.shape,
    attrs,
  );
  const whole = graphShape(inputShape, attrs.dataFormat);
  const shape = whole.map((dim, i) => (i < 2 ? dim : dim - croppedAt(windows, i - 2)));
  const dx =
    isEmpty(shape) || isEmpty(dy.shape) || isEmpty(filter.shape)
      ? zeros(b, whole)
      : uncropped(
          b,
          b.emit('ConvInputGradient', [gradient, filters.toGraph(b, filter)], {
            ...geometry(windows),
            group: filters.group,
            inputShape: shape,
          }),
          windows,
        );
  return fromGraph(b, dx, attrs.dataFormat);
}
const croppedAt = ({ crop }: Windows, axis: number) => at(crop.before, axis) + at(crop.after, axis);

function filterGradient(
  b: GraphBuilder,
  x: Value,
  dy: Value,
  filterShape: readonly number[],
  attrs: WindowAttributes,
  filtersOf: FiltersOf,
): Value {
  const filters = filtersOf(filterShape);
  const { windows, gradient } = gradientWindows(
    b,
    toGraph(b, dy, attrs.dataFormat),
    x.shape,
    filterShape,
    attrs,
  );
  if (sizeOf(filterShape) === 0 || isEmpty(x.shape) || isEmpty(dy.shape)) return zeros(b, filterShape);
  const image = cropped(b, toGraph(b, x, attrs.dataFormat), windows);
  const dw = b.emit('ConvFilterGradient', [image, gradient], {
    ...geometry(windows),
    group: filters.group,
    filterShape: filters.shape,
  });
  return filters.fromGraph(b, dw);
}

/** What bias and slopes of a fused convolution meet: with channels first, one number per channel gets its axis. */
function fusedConv(
  filtersOf: FiltersOf,
): RecordKernel<'x' | 'filter', WindowAttributes & FusedAttributes, 'bias' | 'preluActivationWeights'> {
  return ({ x, filter, bias, preluActivationWeights }, attrs, b) => {
    const perChannel = (value: Value | undefined) =>
      value && attrs.dataFormat === 'NCHW' && value.shape.length === 1 && value.shape[0] !== 1
        ? reshape(b, value, [...value.shape, 1, 1])
        : value;
    const y = conv(b, x, filter, attrs, filtersOf);
    return applyFused(b, y, perChannel(bias), attrs, perChannel(preluActivationWeights));
  };
}

/** TensorFlow.js takes this format, and its backends compute as if channels were last. */
function depthwiseLast({ dataFormat }: WindowAttributes): void {
  if (dataFormat === 'NCHW') {
    throw new Error("Depthwise convolutions with dataFormat 'NCHW' can't be traced; transpose to 'NHWC'.");
  }
}
const depthwise =
  <N extends string, A extends WindowAttributes, O extends string>(
    kernel: RecordKernel<N, A, O>,
  ): RecordKernel<N, A, O> =>
  (inputs, attrs, b) => {
    depthwiseLast(attrs);
    return kernel(inputs, attrs, b);
  };

type InputGradientAttributes = WindowAttributes & { readonly inputShape: readonly number[] };
type FilterGradientAttributes = WindowAttributes & { readonly filterShape: readonly number[] };

export const convKernels: RecordKernels = {
  Conv2D: ({ x, filter }: Operands<'x' | 'filter'>, attrs: WindowAttributes, b) =>
    conv(b, x, filter, attrs, denseFilters),
  FusedConv2D: fusedConv(denseFilters),
  Conv2DBackpropInput: ({ dy, filter }: Operands<'dy' | 'filter'>, attrs: InputGradientAttributes, b) =>
    inputGradient(b, dy, filter, attrs.inputShape, attrs, denseFilters),
  Conv2DBackpropFilter: ({ x, dy }: Operands<'x' | 'dy'>, attrs: FilterGradientAttributes, b) =>
    filterGradient(b, x, dy, attrs.filterShape, attrs, denseFilters),
  DepthwiseConv2dNative: depthwise(({ x, filter }: Operands<'x' | 'filter'>, attrs: WindowAttributes, b) =>
    conv(b, x, filter, attrs, depthwiseFilters),
  ),
  FusedDepthwiseConv2D: depthwise(fusedConv(depthwiseFilters)),
  DepthwiseConv2dNativeBackpropInput: depthwise(
    ({ dy, filter }: Operands<'dy' | 'filter'>, attrs: InputGradientAttributes, b) =>
      inputGradient(b, dy, filter, attrs.inputShape, attrs, depthwiseFilters),
  ),
  DepthwiseConv2dNativeBackpropFilter: depthwise(
    ({ x, dy }: Operands<'x' | 'dy'>, attrs: FilterGradientAttributes, b) =>
      filterGradient(b, x, dy, attrs.filterShape, attrs, depthwiseFilters),
  ),
  Conv3D: ({ x, filter }: Operands<'x' | 'filter'>, attrs: WindowAttributes, b) =>
    conv(b, x, filter, attrs, denseFilters),
  Conv3DBackpropInputV2: ({ dy, filter }: Operands<'dy' | 'filter'>, attrs: InputGradientAttributes, b) =>
    inputGradient(b, dy, filter, attrs.inputShape, attrs, denseFilters),
  Conv3DBackpropFilterV2: ({ x, dy }: Operands<'x' | 'dy'>, attrs: FilterGradientAttributes, b) =>
    filterGradient(b, x, dy, attrs.filterShape, attrs, denseFilters),
};
