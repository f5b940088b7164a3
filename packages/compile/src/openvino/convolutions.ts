import { type Attributes, type Node, sizeOf } from '../graph/graph';
import { number, numbers } from '../graph/ops';
import type { IrAttributes, IrWriter, Port } from './ir';
import type { IrLowering } from './toOpenvino';
import { windowAttributes } from './window';

const geometry = (a: Attributes): IrAttributes => ({
  ...windowAttributes(a),
  dilations: numbers(a, 'dilations'),
});

/**
 * Filters [O, C / group, ...kernel] as OpenVINO groups them, [group, O / group, C / group, ...kernel]. It multiplies what
 * a reshaped filter is made of by what a convolution is multiplied by, 2026.4 for all others with that filter too: a copy
 * is not seen through.
 */
function grouped(filter: Port, shape: readonly number[], group: number, w: IrWriter): Port {
  const [outputs, ...rest] = shape as [number, ...number[]];
  return w.copy(w.reshape(filter, [group, outputs / group, ...rest]));
}

export const lowerConv: IrLowering = ({ attributes: a, inputs: [, filterValue] }, [x, filter], w) => {
  const group = number(a, 'group');
  if (group === 1) return w.emit('Convolution', 1, [x!, filter!], geometry(a));
  return w.emit('GroupConvolution', 1, [x!, grouped(filter!, filterValue!.shape, group, w)], geometry(a));
};

/** Two axes in front exchanged, the others as they are. */
const swapped = (x: Port, rank: number, w: IrWriter): Port =>
  w.emit('Transpose', 1, [x, w.integers([1, 0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2)])]);

/** dL/dx [N, C, ...space] from dL/dy [N, O, ...counts] and the filter [O, C / group, ...kernel]. */
export const lowerConvInputGradient: IrLowering = ({ attributes: a, inputs }, [dy, filter], w) => {
  const { shape } = inputs[1]!;
  const group = number(a, 'group');
  const isProduct =
    group === 1 && sizeOf(shape.slice(2)) === 1 && isEach(a, 'strides', 1) && isEach(a, 'pads', 0);
  if (isProduct) return w.emit('Convolution', 1, [dy!, swapped(filter!, shape.length, w)], geometry(a));
  const outputShape = w.integers(numbers(a, 'inputShape').slice(2));
  if (group === 1) {
    return w.emit('ConvolutionBackpropData', 1, [dy!, filter!, outputShape], geometry(a));
  }
  return w.emit(
    'GroupConvolutionBackpropData',
    1,
    [dy!, grouped(filter!, shape, group, w), outputShape],
    geometry(a),
  );
};

const isEach = (a: Attributes, name: string, value: number) => numbers(a, name).every((n) => n === value);

/**
 * dL/dw [O, C, ...kernel] from the input [N, C, ...space] and dL/dy [N, O, ...counts]: a convolution of the input, its
 * channels as images, with the output gradient as the filter, whose strides and dilations change places.
 */
export const lowerConvFilterGradient: IrLowering = ({ attributes: a }: Node, [x, dy], w) => {
  const [outputs, inputs, ...kernel] = numbers(a, 'filterShape') as [number, number, ...number[]];
  const rank = kernel.length + 2;
  const attributes = { ...a, strides: numbers(a, 'dilations'), dilations: numbers(a, 'strides') };
  const operands = [swapped(x!, rank, w), swapped(dy!, rank, w)];
  const whole = w.emit('Convolution', 1, operands, geometry(attributes));
  const axes = Array.from({ length: rank }, (_, i) => i);
  // A strided window that left over a few pixels gives a few offsets too many.
  const window = w.emit('Slice', 8, [
    whole,
    w.integers(axes.map(() => 0)),
    w.integers([inputs, outputs, ...kernel]),
    w.integers(axes.map(() => 1)),
    w.integers(axes),
  ]);
  return swapped(window, rank, w);
};
