import type { Attributes, Node, Shape4 } from '../graph/graph';
import { number, numbers } from '../graph/ops';
import type { IrAttributes, IrWriter, Port } from './ir';
import type { IrLowering } from './toOpenvino';
import { windowAttributes } from './window';

const geometry = (a: Attributes): IrAttributes => ({
  ...windowAttributes(a),
  dilations: numbers(a, 'dilations'),
});

/** Filters [O, C / group, kh, kw] as OpenVINO groups them, [group, O / group, C / group, kh, kw]. */
function grouped(filter: Port, shape: Shape4, group: number, w: IrWriter): Port {
  const [outputs, ...rest] = shape;
  return w.reshape(filter, [group, outputs / group, ...rest]);
}

export const lowerConv: IrLowering = ({ attributes: a, inputs: [, filterValue] }, [x, filter], w) => {
  const group = number(a, 'group');
  if (group === 1) return w.emit('Convolution', 1, [x!, filter!], geometry(a));
  return w.emit(
    'GroupConvolution',
    1,
    [x!, grouped(filter!, filterValue!.shape as unknown as Shape4, group, w)],
    geometry(a),
  );
};

/** dL/dx [N, C, H, W] from dL/dy [N, O, h, w] and the filter [O, C, kh, kw]. */
export const lowerConvInputGradient: IrLowering = ({ attributes: a, inputs }, [dy, filter], w) => {
  const shape = inputs[1]!.shape as Shape4;
  const group = number(a, 'group');
  const isProduct =
    group === 1 && shape[2] === 1 && shape[3] === 1 && isEach(a, 'strides', 1) && isEach(a, 'pads', 0);
  if (isProduct) {
    const swapped = w.emit('Transpose', 1, [filter!, w.integers([1, 0, 2, 3])]);
    return w.emit('Convolution', 1, [dy!, swapped], geometry(a));
  }
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
 * dL/dw [O, C, kh, kw] from the input [N, C, H, W] and dL/dy [N, O, h, w]: a convolution of the input, its channels
 * as images, with the output gradient as the filter, whose strides and dilations change places.
 */
export const lowerConvFilterGradient: IrLowering = (node: Node, [x, dy], w) => {
  const a = node.attributes;
  if (number(a, 'group') !== 1) {
    throw new Error('The filter gradient of a grouped convolution has no OpenVINO form.');
  }
  const [outputs, inputs, kh, kw] = numbers(a, 'filterShape') as Shape4;
  const swap = w.integers([1, 0, 2, 3]);
  const attributes = { ...a, strides: numbers(a, 'dilations'), dilations: numbers(a, 'strides') };
  const whole = w.emit(
    'Convolution',
    1,
    [w.emit('Transpose', 1, [x!, swap]), w.emit('Transpose', 1, [dy!, swap])],
    geometry(attributes),
  );
  // A strided window that left over a few pixels gives a few offsets too many.
  const window = w.emit('Slice', 8, [
    whole,
    w.integers([0, 0, 0, 0]),
    w.integers([inputs, outputs, kh, kw]),
    w.integers([1, 1, 1, 1]),
    w.integers([0, 1, 2, 3]),
  ]);
  return w.emit('Transpose', 1, [window, swap]);
};
