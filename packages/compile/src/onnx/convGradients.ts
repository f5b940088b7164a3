/**
 * Gradients of a convolution in ONNX, which has none. The forms were chosen by measurement with onnxruntime on the
 * CPU: an input gradient is fastest as a convolution with the filter turned around, a filter gradient as matrix
 * products of the output gradient with shifted views of the input.
 */
import type { Node } from '../graph/graph';
import { number, numbers } from '../graph/ops';
import type { OnnxWriter } from './toOnnx';

type Shape4 = readonly [number, number, number, number];

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
    const back = w.integers([-1, -1]);
    const flipped =
      kh === 1 && kw === 1
        ? swapped
        : w.emit('Slice', [swapped, back, w.integers([-(2 ** 31), -(2 ** 31)]), w.integers([2, 3]), back]);
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

/** Above this many positions per image, one product per image beats one product over all images. */
const MANY_POSITIONS = 400;

/**
 * dL/dw [O, C, kh, kw] from the input [N, C, H, W] and dL/dy [N, O, h, w]: for each offset in the window, the
 * output gradient times the input shifted by it.
 */
export function lowerConvFilterGradient(
  node: Node,
  [x, dy]: readonly string[],
  outputs: readonly string[],
  w: OnnxWriter,
) {
  const a = node.attributes;
  const filterShape = numbers(a, 'filterShape') as Shape4;
  if (number(a, 'group') !== 1)
    throw new Error('The filter gradient of a grouped convolution has no ONNX form.');
  const [n, c] = node.inputs[0]!.shape as Shape4;
  const [, o, h, wd] = node.inputs[1]!.shape as Shape4;
  const [, , kh, kw] = filterShape;
  const strides = numbers(a, 'strides');
  const dilations = numbers(a, 'dilations');
  const [top, left, bottom, right] = numbers(a, 'pads') as Shape4;
  const padded = [top, left, bottom, right].some((pad) => pad !== 0)
    ? w.emit('Pad', [x!, w.integers([0, 0, top, left, 0, 0, bottom, right])])
    : x!;
  const whole = kh === 1 && kw === 1 && strides.every((s) => s === 1) && padded === x;

  /** The input as seen by one element of the window; the two image axes are `first` and the next. */
  const shifted = (from: string, i: number, j: number, first: number) => {
    const begin = [i * dilations[0]!, j * dilations[1]!];
    const end = [begin[0]! + (h - 1) * strides[0]! + 1, begin[1]! + (wd - 1) * strides[1]! + 1];
    return w.emit('Slice', [
      from,
      w.integers(begin),
      w.integers(end),
      w.integers([first, first + 1]),
      w.integers(strides),
    ]);
  };
  const window = Array.from({ length: kh * kw }, (_, k) => [Math.floor(k / kw), k % kw] as const);

  if (h * wd >= MANY_POSITIONS) {
    const columns = whole
      ? x!
      : w.emit(
          'Concat',
          window.map(([i, j]) => shifted(padded, i, j, 2)),
          { axis: 1 },
        );
    const flat = w.emit('Reshape', [columns, w.integers([n, kh * kw * c, h * wd])]);
    const gradient = w.emit('Reshape', [dy!, w.integers([n, o, h * wd])]);
    const perImage = w.emit('FusedMatMul', [gradient, flat], { transA: 0, transB: 1 }, 'com.microsoft');
    const sum = w.emit('ReduceSum', [perImage, w.integers([0])], { keepdims: 0 });
    // Rows are outputs, columns are [kh, kw, C].
    const split = w.emit('Reshape', [sum, w.integers([o, kh, kw, c])]);
    w.emitInto(outputs, 'Transpose', [split], { perm: [0, 3, 1, 2] });
    return;
  }
  const last = w.emit('Transpose', [padded], { perm: [0, 2, 3, 1] });
  const gradient = w.emit('Reshape', [
    w.emit('Transpose', [dy!], { perm: [0, 2, 3, 1] }),
    w.integers([n * h * wd, o]),
  ]);
  const products = window.map(([i, j]) => {
    const view = whole ? last : shifted(last, i, j, 1);
    const rows = w.emit('Reshape', [view, w.integers([n * h * wd, c])]);
    return w.emit('Gemm', [rows, gradient], { transA: 1, transB: 0 });
  });
  const stacked = products.length === 1 ? products[0]! : w.emit('Concat', products, { axis: 0 });
  const split = w.emit('Reshape', [stacked, w.integers([kh, kw, c, o])]);
  w.emitInto(outputs, 'Transpose', [split], { perm: [3, 2, 0, 1] });
}
