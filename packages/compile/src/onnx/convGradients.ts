/**
 * Gradients of a convolution in ONNX, which has none. The forms were chosen by measurement with onnxruntime on the
 * CPU: an input gradient is fastest as a convolution with the filter turned around, a filter gradient as matrix
 * products of the output gradient with shifted views of the input.
 */
import { sizeOf } from '../graph/graph';
import { at } from '../graph/lists';
import type { Node } from '../graph/ops';
import type { OnnxLowering, OnnxWriter } from './lowering';

type FilterGradient = OnnxLowering<'ConvFilterGradient'>;

/** dL/dx [N, C, ...space] from dL/dy [N, O, ...counts] and the filter [O, C / group, ...kernel]. */
export const lowerConvInputGradient: OnnxLowering<'ConvInputGradient'> = (node, [dy, filter], outputs, w) => {
  const [{ shape: countsShape }, { shape: filterShape }] = node.inputs;
  const { inputShape, strides, pads, dilations, group } = node.attributes;
  const [counts, kernel, space] = [countsShape.slice(2), filterShape.slice(2), inputShape.slice(2)];
  const reach = kernel.map((size, i) => (size - 1) * at(dilations, i));
  if (strides.every((s) => s === 1)) {
    const around = pads.map((pad, i) => at(reach, i % reach.length) - pad);
    if (around.every((pad) => pad >= 0)) {
      const turned = turnedFilters(filterShape, group, filter, w);
      w.emitInto(outputs, 'Conv', [dy, turned], { pads: around, dilations, group });
      return;
    }
  }
  /** As many pixels as the windows reach. */
  const covered = counts.map(
    (count, i) => (count - 1) * at(strides, i) + at(reach, i) + 1 - at(pads, i) - at(pads, i + counts.length),
  );
  w.emitInto(outputs, 'ConvTranspose', [dy, filter], {
    pads,
    strides,
    dilations,
    group,
    // What a strided window left over at the end.
    output_padding: space.map((size, i) => size - at(covered, i)),
  });
};

/**
 * Filters [O, C / group, ...kernel] as those of the correlation that goes back, [C, O / group, ...kernel]: in every group
 * input and output channels change places, and the windows are turned around.
 */
function turnedFilters(shape: readonly number[], group: number, filter: string, w: OnnxWriter): string {
  const [outputs, inputs, kernel] = [at(shape, 0), at(shape, 1), shape.slice(2)];
  const [o, size] = [outputs / group, sizeOf(kernel)];
  const shaped = (x: string, sizes: readonly number[]) => w.emit('Reshape', [x, w.integers(sizes)]);
  const turnedShape = [group * inputs, o, ...kernel];
  const rest = kernel.map((_, i) => i + 2);
  const groups = () => shaped(filter, [group, o, inputs, size]);
  const swapped =
    group === 1
      ? w.emit('Transpose', [filter], { perm: [1, 0, ...rest] })
      : shaped(w.emit('Transpose', [groups()], { perm: [0, 2, 1, 3] }), turnedShape);
  if (size === 1) return swapped;
  // Rows of a matrix are faster moved than elements.
  const turn = (x: string) => w.emit('Transpose', [x], { perm: [1, 0] });
  const rows = turn(shaped(swapped, [outputs * inputs, size]));
  const reversed = w.integers(Array.from({ length: size }, (_, i) => size - 1 - i));
  return shaped(turn(w.emit('Gather', [rows, reversed], { axis: 0 })), turnedShape);
}

/** Above this many positions per image, one product per image beats one product over all images. */
const MANY_POSITIONS = 400;

/**
 * dL/dw [O, C, ...kernel] from the input [N, C, ...space] and dL/dy [N, O, ...counts]: for each offset in the window, the
 * output gradient times the input shifted by it.
 */
export const lowerConvFilterGradient: FilterGradient = (node, inputs, outputs, w) => {
  const counts = node.inputs[1].shape.slice(2);
  const perImage = counts.length === 2 && sizeOf(counts) >= MANY_POSITIONS;
  if (node.attributes.group > 1) sumsPerOffset(node, inputs, outputs, w);
  else if (perImage) productsPerImage(node, inputs, outputs, w);
  else productsPerOffset(node, inputs, outputs, w);
};

/** An image [N, C, ...space] with zeros around; pads are those before all axes, then those after. */
function padded(x: string, pads: readonly number[], w: OnnxWriter): string {
  if (pads.every((n) => n === 0)) return x;
  const half = pads.length / 2;
  return w.emit('Pad', [x, w.integers([0, 0, ...pads.slice(0, half), 0, 0, ...pads.slice(half)])]);
}

/** `size` positions, every `strides`-th from `begin` on, along as many axes from `first` on. */
function view(
  x: string,
  begin: readonly number[],
  size: readonly number[],
  strides: readonly number[],
  first: number,
  w: OnnxWriter,
): string {
  const end = begin.map((start, i) => start + (at(size, i) - 1) * at(strides, i) + 1);
  const axes = begin.map((_, i) => first + i);
  return w.emit('Slice', [x, ...[begin, end, axes, strides].map((list) => w.integers(list))]);
}

/** All places in a window, the last axis fastest. */
const offsets = (kernel: readonly number[]): number[][] =>
  kernel.reduce<number[][]>(
    (places, size) => places.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i])),
    [[]],
  );

const sizesOf = ({ inputs: [x, dy], attributes: { filterShape } }: Node<'ConvFilterGradient'>) => ({
  n: at(x.shape, 0),
  c: at(x.shape, 1),
  o: at(dy.shape, 1),
  space: x.shape.slice(2),
  counts: dy.shape.slice(2),
  kernel: filterShape.slice(2),
});

/** One product per image: its output gradient with all shifted inputs, or its input with all shifted gradients. */
const productsPerImage: FilterGradient = (node, [x, dy], outputs, w) => {
  const { strides, dilations, pads } = node.attributes;
  const { n, c, o, space, counts, kernel } = sizesOf(node);
  const window = offsets(kernel);
  const rows = (from: string, channels: number, positions: number) =>
    w.emit('Reshape', [from, w.integers([n, channels, positions])]);
  const summed = (left: string, right: string) => {
    const flags = { transA: 0, transB: 1 };
    const perImage = w.emit('FusedMatMul', [left, right], flags, 'com.microsoft');
    return w.emit('ReduceSum', [perImage, w.integers([0])], { keepdims: 0 });
  };

  const isDense = strides.every((s) => s === 1);
  const size = sizeOf(kernel);
  const reach = kernel.map((length, i) => (length - 1) * at(dilations, i));
  const around = pads.map((pad, i) => at(reach, i % 2) - pad);
  const begin = (place: readonly number[]) => place.map((step, i) => step * at(dilations, i));
  // What has fewer channels is shifted: that many times the window's size are written and read again.
  if (o < c && size > 1 && isDense && around.every((pad) => pad >= 0)) {
    const wide = padded(dy, around, w);
    const shifted = window.map((place) => {
      const from = begin(place).map((start, i) => at(reach, i) - start);
      return view(wide, from, space, [1, 1], 2, w);
    });
    const columns = rows(w.emit('Concat', shifted, { axis: 1 }), size * o, sizeOf(space));
    const sum = summed(rows(x, c, sizeOf(space)), columns);
    const split = w.emit('Reshape', [sum, w.integers([c, ...kernel, o])]);
    w.emitInto(outputs, 'Transpose', [split], { perm: [3, 0, 1, 2] });
    return;
  }
  const wide = padded(x, pads, w);
  const whole = size === 1 && isDense && wide === x;
  const shifted = whole ? [wide] : window.map((place) => view(wide, begin(place), counts, strides, 2, w));
  const columns = shifted.length === 1 ? at(shifted, 0) : w.emit('Concat', shifted, { axis: 1 });
  const sum = summed(rows(dy, o, sizeOf(counts)), rows(columns, size * c, sizeOf(counts)));
  const split = w.emit('Reshape', [sum, w.integers([o, ...kernel, c])]);
  w.emitInto(outputs, 'Transpose', [split], { perm: [0, 3, 1, 2] });
};

/** One product per offset in the window, over the positions of all images. */
const productsPerOffset: FilterGradient = (node, [x, dy], outputs, w) => {
  const { filterShape, strides, dilations, pads } = node.attributes;
  const { n, c, o, counts, kernel } = sizesOf(node);
  const axes = [...counts.keys()];
  const wide = padded(x, pads, w);
  const whole = sizeOf(kernel) === 1 && strides.every((s) => s === 1) && wide === x;
  const last = w.emit('Transpose', [wide], { perm: [0, ...axes.map((i) => i + 2), 1] });
  const positions = n * sizeOf(counts);
  const gradient = w.emit('Reshape', [
    w.emit('Transpose', [dy], { perm: [1, 0, ...axes.map((i) => i + 2)] }),
    w.integers([o, positions]),
  ]);
  const products = offsets(kernel).map((place) => {
    const begin = place.map((step, i) => step * at(dilations, i));
    const shifted = whole ? last : view(last, begin, counts, strides, 1, w);
    return w.emit('MatMul', [gradient, w.emit('Reshape', [shifted, w.integers([positions, c])])]);
  });
  if (products.length === 1) {
    w.emitInto(outputs, 'Reshape', [at(products, 0), w.integers(filterShape)]);
    return;
  }
  const columns = products.map((product) => w.emit('Reshape', [product, w.integers([o, c, 1])]));
  const stacked = w.emit('Concat', columns, { axis: 2 });
  w.emitInto(outputs, 'Reshape', [stacked, w.integers(filterShape)]);
};

/**
 * The filter gradient of a depthwise convolution, whose channels have nothing to do with each other: the sum of
 * elementwise products per offset in the window.
 */
const sumsPerOffset: FilterGradient = (node, [x, dy], outputs, w) => {
  const { filterShape, strides, dilations, pads } = node.attributes;
  const { n, c, o, counts, kernel } = sizesOf(node);
  const positions = sizeOf(counts);
  const wide = padded(x, pads, w);
  const gradient = w.emit('Reshape', [dy, w.integers([n, c, o / c, positions])]);
  const sums = offsets(kernel).map((place) => {
    const begin = place.map((step, i) => step * at(dilations, i));
    const shifted = view(wide, begin, counts, strides, 2, w);
    const rows = w.emit('Reshape', [shifted, w.integers([n, c, 1, positions])]);
    const perImage = w.emit('ReduceSum', [w.emit('Mul', [rows, gradient]), w.integers([3])], { keepdims: 0 });
    const sum = w.emit('ReduceSum', [perImage, w.integers([0])], { keepdims: 0 });
    return w.emit('Reshape', [sum, w.integers([o, 1])]);
  });
  const stacked = sums.length === 1 ? at(sums, 0) : w.emit('Concat', sums, { axis: 1 });
  w.emitInto(outputs, 'Reshape', [stacked, w.integers(filterShape)]);
};
