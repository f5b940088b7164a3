/**
 * Gradients of a convolution in ONNX, which has none. The forms were chosen by measurement with onnxruntime on the
 * CPU: an input gradient is fastest as a convolution with the filter turned around, a filter gradient as matrix
 * products of the output gradient with shifted views of the input.
 */
import type { Node, Shape4 } from '../graph/graph';
import { number, numbers } from '../graph/ops';
import type { OnnxWriter } from './toOnnx';

/**
 * dL/dx [N, C, H, W] from dL/dy [N, O, h, w] and the filter [O, C, kh, kw].
 */
export function lowerConvInputGradient(
  node: Node,
  [dy, filter]: readonly string[],
  outputs: readonly string[],
  w: OnnxWriter,
) {
  const [, , kh, kw] = node.inputs[1]!.shape as Shape4;
  const a = node.attributes;
  const strides = numbers(a, 'strides');
  const dilations = numbers(a, 'dilations');
  const [top, left, bottom, right] = numbers(a, 'pads') as Shape4;
  if (strides.every((s) => s === 1) && number(a, 'group') === 1) {
    // Over a full correlation with the flipped filter, whose input and output channels change places.
    const swapped = w.emit('Transpose', [filter!], { perm: [1, 0, 2, 3] });
    const flipped =
      kh === 1 && kw === 1 ? swapped : flippedWindows(node.inputs[1]!.shape as Shape4, swapped, w);
    const reach = [(kh - 1) * dilations[0]!, (kw - 1) * dilations[1]!] as const;
    const pads = [reach[0] - top, reach[1] - left, reach[0] - bottom, reach[1] - right];
    if (pads.every((pad) => pad >= 0)) {
      w.emitInto(outputs, 'Conv', [dy!, flipped], { pads, dilations });
      return;
    }
  }
  const [, , height, width] = numbers(a, 'inputShape') as Shape4;
  const [, , h, wd] = node.inputs[0]!.shape as Shape4;
  // What a strided window left over at the bottom and right.
  const rest = (size: number, out: number, k: number, i: number, before: number, after: number) =>
    size - ((out - 1) * strides[i]! + (k - 1) * dilations[i]! + 1 - before - after);
  w.emitInto(outputs, 'ConvTranspose', [dy!, filter!], {
    pads: [top, left, bottom, right],
    strides,
    dilations,
    group: number(a, 'group'),
    output_padding: [rest(height, h, kh, 0, top, bottom), rest(width, wd, kw, 1, left, right)],
  });
}

/** Filters [C, O, kh, kw] with both window axes reversed: rows of a matrix are faster moved than elements. */
function flippedWindows([o, c, kh, kw]: Shape4, filter: string, w: OnnxWriter): string {
  const size = kh * kw;
  const turn = (x: string) => w.emit('Transpose', [x], { perm: [1, 0] });
  const rows = turn(w.emit('Reshape', [filter, w.integers([c * o, size])]));
  const reversed = w.integers(Array.from({ length: size }, (_, i) => size - 1 - i));
  const flipped = turn(w.emit('Gather', [rows, reversed], { axis: 0 }));
  return w.emit('Reshape', [flipped, w.integers([c, o, kh, kw])]);
}

/** Above this many positions per image, one product per image beats one product over all images. */
const MANY_POSITIONS = 400;

/**
 * dL/dw [O, C, kh, kw] from the input [N, C, H, W] and dL/dy [N, O, h, w]: for each offset in the window, the
 * output gradient times the input shifted by it.
 */
export function lowerConvFilterGradient(
  node: Node,
  inputs: readonly string[],
  outputs: readonly string[],
  w: OnnxWriter,
) {
  const a = node.attributes;
  if (number(a, 'group') !== 1)
    throw new Error('The filter gradient of a grouped convolution has no ONNX form.');
  const [, , h, wd] = node.inputs[1]!.shape as Shape4;
  if (h * wd >= MANY_POSITIONS) productsPerImage(node, inputs, outputs, w);
  else productsPerOffset(node, inputs, outputs, w);
}

const padded = (x: string, [top, left, bottom, right]: Shape4, w: OnnxWriter): string =>
  top || left || bottom || right ? w.emit('Pad', [x, w.integers([0, 0, top, left, 0, 0, bottom, right])]) : x;

/** `size` positions, every `strides`-th from `begin` on, along the axis `first` and the next. */
function view(
  x: string,
  begin: readonly number[],
  size: readonly number[],
  strides: readonly number[],
  first: number,
  w: OnnxWriter,
): string {
  const end = begin.map((start, i) => start + (size[i]! - 1) * strides[i]! + 1);
  return w.emit('Slice', [x, ...[begin, end, [first, first + 1], strides].map((list) => w.integers(list))]);
}

const offsets = (kh: number, kw: number) =>
  Array.from({ length: kh * kw }, (_, k) => [Math.floor(k / kw), k % kw] as const);

/** One product per image: its output gradient with all shifted inputs, or its input with all shifted gradients. */
function productsPerImage(node: Node, [x, dy]: readonly string[], outputs: readonly string[], w: OnnxWriter) {
  const a = node.attributes;
  const [n, c, height, width] = node.inputs[0]!.shape as Shape4;
  const [, o, h, wd] = node.inputs[1]!.shape as Shape4;
  const [, , kh, kw] = numbers(a, 'filterShape') as Shape4;
  const strides = numbers(a, 'strides') as readonly [number, number];
  const dilations = numbers(a, 'dilations') as readonly [number, number];
  const pads = numbers(a, 'pads') as Shape4;
  const window = offsets(kh, kw);
  const rows = (from: string, channels: number, positions: number) =>
    w.emit('Reshape', [from, w.integers([n, channels, positions])]);
  const summed = (left: string, right: string) => {
    const flags = { transA: 0, transB: 1 };
    const perImage = w.emit('FusedMatMul', [left, right], flags, 'com.microsoft');
    return w.emit('ReduceSum', [perImage, w.integers([0])], { keepdims: 0 });
  };

  const reach = [(kh - 1) * dilations[0], (kw - 1) * dilations[1]] as const;
  const around = [reach[0] - pads[0], reach[1] - pads[1], reach[0] - pads[2], reach[1] - pads[3]] as const;
  // What has fewer channels is shifted: that many times the window's size are written and read again.
  if (o < c && kh * kw > 1 && strides.every((s) => s === 1) && around.every((pad) => pad >= 0)) {
    const wide = padded(dy!, around, w);
    const shifted = window.map(([i, j]) =>
      view(wide, [reach[0] - i * dilations[0], reach[1] - j * dilations[1]], [height, width], [1, 1], 2, w),
    );
    const columns = rows(w.emit('Concat', shifted, { axis: 1 }), kh * kw * o, height * width);
    const sum = summed(rows(x!, c, height * width), columns);
    const split = w.emit('Reshape', [sum, w.integers([c, kh, kw, o])]);
    w.emitInto(outputs, 'Transpose', [split], { perm: [3, 0, 1, 2] });
    return;
  }
  const wide = padded(x!, pads, w);
  const whole = kh * kw === 1 && strides.every((s) => s === 1) && wide === x;
  const shifted = whole
    ? [wide]
    : window.map(([i, j]) => view(wide, [i * dilations[0], j * dilations[1]], [h, wd], strides, 2, w));
  const columns = shifted.length === 1 ? shifted[0]! : w.emit('Concat', shifted, { axis: 1 });
  const sum = summed(rows(dy!, o, h * wd), rows(columns, kh * kw * c, h * wd));
  const split = w.emit('Reshape', [sum, w.integers([o, kh, kw, c])]);
  w.emitInto(outputs, 'Transpose', [split], { perm: [0, 3, 1, 2] });
}

/** One product per offset in the window, over the positions of all images. */
function productsPerOffset(
  node: Node,
  [x, dy]: readonly string[],
  outputs: readonly string[],
  w: OnnxWriter,
) {
  const a = node.attributes;
  const filterShape = numbers(a, 'filterShape') as Shape4;
  const [n, c] = node.inputs[0]!.shape as Shape4;
  const [, o, h, wd] = node.inputs[1]!.shape as Shape4;
  const [, , kh, kw] = filterShape;
  const strides = numbers(a, 'strides');
  const dilations = numbers(a, 'dilations');
  const wide = padded(x!, numbers(a, 'pads') as Shape4, w);
  const whole = kh * kw === 1 && strides.every((s) => s === 1) && wide === x;
  const last = w.emit('Transpose', [wide], { perm: [0, 2, 3, 1] });
  const positions = n * h * wd;
  const gradient = w.emit('Reshape', [
    w.emit('Transpose', [dy!], { perm: [1, 0, 2, 3] }),
    w.integers([o, positions]),
  ]);
  const products = offsets(kh, kw).map(([i, j]) => {
    const shifted = whole ? last : view(last, [i * dilations[0]!, j * dilations[1]!], [h, wd], strides, 1, w);
    return w.emit('MatMul', [gradient, w.emit('Reshape', [shifted, w.integers([positions, c])])]);
  });
  if (products.length === 1) {
    w.emitInto(outputs, 'Reshape', [products[0]!, w.integers(filterShape)]);
    return;
  }
  const columns = products.map((product) => w.emit('Reshape', [product, w.integers([o, c, 1])]));
  const stacked = w.emit('Concat', columns, { axis: 2 });
  w.emitInto(outputs, 'Reshape', [stacked, w.integers(filterShape)]);
}
