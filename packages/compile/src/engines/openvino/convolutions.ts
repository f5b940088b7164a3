import { sizeOf } from '../../graph/graph';
import { at } from '../../graph/lists';
import type { Convolution } from '../../graph/ops';
import type { IrAttributes, IrWriter, Port } from './ir';
import type { IrLowering } from './lowering';
import { windowAttributes } from './window';

const geometry = (a: Omit<Convolution, 'group'>): IrAttributes => ({
  ...windowAttributes(a),
  dilations: a.dilations,
});

/**
 * Filters [O, C / group, ...kernel] as OpenVINO groups them, [group, O / group, C / group, ...kernel]. It multiplies what
 * a reshaped filter is made of by what a convolution is multiplied by, 2026.4 for all others with that filter too: a copy
 * is not seen through.
 */
function grouped(filter: Port, shape: readonly number[], group: number, w: IrWriter): Port {
  return w.copy(w.reshape(filter, [group, at(shape, 0) / group, ...shape.slice(1)]));
}

export const lowerConv: IrLowering<'Conv'> = ({ attributes: a, inputs: [, { shape }] }, [x, filter], w) =>
  a.group === 1
    ? w.emit('Convolution', 1, [x, filter], geometry(a))
    : w.emit('GroupConvolution', 1, [x, grouped(filter, shape, a.group, w)], geometry(a));

/** Two axes in front exchanged, the others as they are. */
const swapped = (x: Port, rank: number, w: IrWriter): Port =>
  w.emit('Transpose', 1, [x, w.integers([1, 0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2)])]);

/** dL/dx [N, C, ...space] from dL/dy [N, O, ...counts] and the filter [O, C / group, ...kernel]. */
export const lowerConvInputGradient: IrLowering<'ConvInputGradient'> = (node, [dy, filter], w) => {
  const { attributes: a } = node;
  const [, { shape }] = node.inputs;
  const isProduct =
    a.group === 1 && sizeOf(shape.slice(2)) === 1 && isEach(a.strides, 1) && isEach(a.pads, 0);
  if (isProduct) return w.emit('Convolution', 1, [dy, swapped(filter, shape.length, w)], geometry(a));
  const outputShape = w.integers(a.inputShape.slice(2));
  return a.group === 1
    ? w.emit('ConvolutionBackpropData', 1, [dy, filter, outputShape], geometry(a))
    : w.emit(
        'GroupConvolutionBackpropData',
        1,
        [dy, grouped(filter, shape, a.group, w), outputShape],
        geometry(a),
      );
};

const isEach = (list: readonly number[], value: number) => list.every((n) => n === value);

/**
 * dL/dw [O, C, ...kernel] from the input [N, C, ...space] and dL/dy [N, O, ...counts]: a convolution of the input, its
 * channels as images, with the output gradient as the filter, whose strides and dilations change places.
 */
export const lowerConvFilterGradient: IrLowering<'ConvFilterGradient'> = ({ attributes: a }, [x, dy], w) => {
  const { filterShape, strides, dilations, pads } = a;
  const rank = filterShape.length;
  const attributes = { pads, strides: dilations, dilations: strides };
  const operands = [swapped(x, rank, w), swapped(dy, rank, w)];
  const whole = w.emit('Convolution', 1, operands, geometry(attributes));
  const axes = Array.from({ length: rank }, (_, i) => i);
  // A strided window that left over a few pixels gives a few offsets too many.
  const window = w.emit('Slice', 8, [
    whole,
    w.integers(axes.map(() => 0)),
    w.integers([at(filterShape, 1), at(filterShape, 0), ...filterShape.slice(2)]),
    w.integers(axes.map(() => 1)),
    w.integers(axes),
  ]);
  return swapped(window, rank, w);
};
