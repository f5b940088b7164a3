import type { Attributes } from '../graph/graph';
import { sizeOf } from '../graph/graph';
import { numbers } from '../graph/ops';
import type { IrLowering } from './toOpenvino';
import { windowAttributes } from './window';

const windows = (a: Attributes) => ({
  ...windowAttributes(a),
  kernel: numbers(a, 'kernel'),
  rounding_type: 'floor',
});

export const lowerMaxPool: IrLowering = ({ attributes: a }, [x], w) =>
  // Indices count within one channel of one image.
  w.emitAll('MaxPool', 8, [x!], { ...windows(a), dilations: [1, 1], index_element_type: 'i64', axis: 2 }, 2);

export const lowerAveragePool: IrLowering = ({ attributes: a }, [x], w) =>
  w.emit('AvgPool', 1, [x!], { ...windows(a), 'exclude-pad': true });

/** Every value to its place in a plane of zeros. */
export const lowerMaxUnpool: IrLowering = ({ attributes: a, inputs: [dy] }, [x, indices], w) => {
  const [n, c, height, width] = numbers(a, 'outputShape') as [number, number, number, number];
  const flat = (port: typeof x, length: number) => w.reshape(port!, [n, c, length]);
  const size = sizeOf(dy!.shape.slice(2));
  const zeros = w.emit('Broadcast', 3, [w.float(0), w.integers([n, c, height * width])], { mode: 'numpy' });
  const placed = w.emit('ScatterElementsUpdate', 3, [
    zeros,
    flat(indices, size),
    flat(x, size),
    w.integer(2),
  ]);
  return w.reshape(placed, [n, c, height, width]);
};
