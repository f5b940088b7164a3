import type { Attributes } from '../graph/graph';
import { sizeOf } from '../graph/graph';
import { numbers } from '../graph/ops';
import type { IrLowering } from './toOpenvino';

const windows = (a: Attributes) => {
  const [top, left, bottom, right] = numbers(a, 'pads') as [number, number, number, number];
  return {
    kernel: numbers(a, 'kernel'),
    strides: numbers(a, 'strides'),
    pads_begin: [top, left],
    pads_end: [bottom, right],
    rounding_type: 'floor',
    auto_pad: 'explicit',
  };
};

export const lowerMaxPool: IrLowering = ({ attributes: a }, [x], w) =>
  // Indices count within one channel of one image.
  w.emitAll('MaxPool', 8, [x!], { ...windows(a), dilations: [1, 1], index_element_type: 'i64', axis: 2 }, 2);

export const lowerAveragePool: IrLowering = ({ attributes: a }, [x], w) =>
  w.emit('AvgPool', 1, [x!], { ...windows(a), 'exclude-pad': true });

/** Every value to its place in a plane of zeros. */
export const lowerMaxUnpool: IrLowering = ({ attributes: a, inputs: [dy] }, [x, indices], w) => {
  const [n, c, height, width] = numbers(a, 'outputShape') as [number, number, number, number];
  const flat = (port: typeof x, length: number) =>
    w.emit('Reshape', 1, [port!, w.integers([n, c, length])], { special_zero: false });
  const size = sizeOf(dy!.shape.slice(2));
  const zeros = w.emit('Broadcast', 3, [w.float(0), w.integers([n, c, height * width])], { mode: 'numpy' });
  const placed = w.emit('ScatterElementsUpdate', 3, [
    zeros,
    flat(indices, size),
    flat(x, size),
    w.integer(2),
  ]);
  return w.emit('Reshape', 1, [placed, w.integers([n, c, height, width])], { special_zero: false });
};
