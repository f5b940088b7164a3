/**
 * Convolutions and their gradients, which are convolutions again: of the output's gradient with the filter turned around,
 * and of the input with the output's gradient as the filter, where what was a stride is a dilation.
 */
import { at } from '../../../graph/lists';
import type { Attributes } from '../../../graph/ops';
import type { Lowering, LoweringWriter } from './lowering';
import { multiply } from './products';
import { i64, i64s, pairs, type Ref, type TensorType } from './writer';

interface Windows {
  readonly strides: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly inputDilations: readonly number[];
  readonly filterDilations: readonly number[];
  readonly featureGroups?: number;
  readonly batchGroups?: number;
}

/** `[b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1]` */
function dimensionNumbers(input: string, filter: string, output: string, axes: number): string {
  const named = (first: string) => `[${[...first, ...Array.from({ length: axes }, (_, i) => i)].join(', ')}]`;
  return `#stablehlo.conv<${named(input)}x${named(filter)}->${named(output)}>`;
}

/** @param order which of the first two axes is which: those of the input, of the filter, of the output */
function convolve(
  [input, filter]: readonly [Ref, Ref],
  type: TensorType,
  order: readonly [input: string, filter: string, output: string],
  windows: Windows,
  w: LoweringWriter,
): Ref {
  return w.emit('convolution', [input, filter], type, {
    dimension_numbers: dimensionNumbers(...order, windows.strides.length),
    window_strides: i64s(windows.strides),
    padding: pairs(windows.padding),
    lhs_dilation: i64s(windows.inputDilations),
    rhs_dilation: i64s(windows.filterDilations),
    feature_group_count: i64(windows.featureGroups ?? 1),
    batch_group_count: i64(windows.batchGroups ?? 1),
    precision_config: w.precision,
  });
}

/** How far `size` places reach, that many apart. */
const reach = (size: number, dilation: number) => (size - 1) * dilation + 1;

const before = (pads: readonly number[], axis: number) => at(pads, axis);
const after = (pads: readonly number[], axis: number) => at(pads, axis + pads.length / 2);

export const lowerConv: Lowering<'Conv'> = ({ attributes: a, outputs: [y] }, inputs, w) =>
  convolve(
    inputs,
    y,
    ['bf', 'oi', 'bf'],
    {
      strides: a.strides,
      padding: a.strides.map((_, i) => [before(a.pads, i), after(a.pads, i)]),
      inputDilations: a.strides.map(() => 1),
      filterDilations: a.dilations,
      featureGroups: a.group,
    },
    w,
  );

/** dL/dx [N, C, ...space] from dL/dy [N, O, ...counts] and the filter [O, C / group, ...kernel]. */
export const lowerConvInputGradient: Lowering<'ConvInputGradient'> = (node, [dy, filter], w) => {
  const {
    attributes: a,
    outputs: [dx],
  } = node;
  const axes = [...a.strides.keys()];
  const turned = w.emit('reverse', [perGroup(filter, a.group, w)], filterType(filter, a.group), {
    dimensions: i64s(axes.map((i) => i + 2)),
  });
  const padding = axes.map((i) => {
    const window = reach(at(filter.shape, i + 2), at(a.dilations, i));
    const low = window - before(a.pads, i) - 1;
    const spread = reach(at(dy.shape, i + 2), at(a.strides, i));
    return [low, at(a.inputShape, i + 2) + window - 1 - spread - low] as const;
  });
  return convolve(
    [dy, turned],
    dx,
    ['bf', 'io', 'bf'],
    {
      strides: a.strides.map(() => 1),
      padding,
      inputDilations: a.strides,
      filterDilations: a.dilations,
      featureGroups: a.group,
    },
    w,
  );
};

/** A filter [O, C / group, ...kernel] whose groups are beside each other on the second axis: [O / group, C, ...kernel]. */
const filterType = (
  { dtype, shape: [outputs = 0, inputs = 0, ...kernel] }: Ref,
  group: number,
): TensorType => ({
  dtype,
  shape: [outputs / group, inputs * group, ...kernel],
});

function perGroup(filter: Ref, group: number, w: LoweringWriter): Ref {
  if (group === 1) return filter;
  const [outputs = 0, inputs = 0, ...kernel] = filter.shape;
  const split = w.reshape(filter, [group, outputs / group, inputs, ...kernel]);
  const turned = w.transpose(split, [1, 0, 2, ...kernel.map((_, i) => i + 3)]);
  return w.reshape(turned, filterType(filter, group).shape);
}

/** Whether a filter is a matrix, by which each pixel is multiplied. */
const isPointwise = ({ filterShape, strides, pads, group }: Attributes<'ConvFilterGradient'>) =>
  group === 1 &&
  filterShape.slice(2).every((size) => size === 1) &&
  strides.every((stride) => stride === 1) &&
  pads.every((pad) => pad === 0);

/** dL/dw [O, C / group, ...kernel] from the input [N, C, ...space] and dL/dy [N, O, ...counts]. */
export const lowerConvFilterGradient: Lowering<'ConvFilterGradient'> = (node, [x, dy], w) => {
  const {
    attributes: a,
    outputs: [dw],
  } = node;
  if (isPointwise(a)) {
    // XLA's CPUs take a tenth of the time for it.
    const pixels = (x: Ref) => ({ x, batch: [], inner: [0, ...a.strides.map((_, i) => i + 2)] });
    const product = { dtype: dw.dtype, shape: dw.shape.slice(0, 2) };
    return w.reshape(multiply([pixels(dy), pixels(x)], product, w), dw.shape);
  }
  const padding = a.strides.map((stride, i) => {
    const low = before(a.pads, i);
    const window = reach(at(a.filterShape, i + 2), at(a.dilations, i));
    const spread = reach(at(dy.shape, i + 2), stride);
    return [low, spread - at(x.shape, i + 2) + window - low - 1] as const;
  });
  return convolve(
    [x, dy],
    dw,
    ['fb', 'io', 'fb'],
    {
      strides: a.dilations,
      padding,
      inputDilations: a.strides.map(() => 1),
      filterDilations: a.strides,
      batchGroups: a.group,
    },
    w,
  );
};
