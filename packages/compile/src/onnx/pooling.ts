import type { Node, Shape4 } from '../graph/graph';
import { numbers } from '../graph/ops';
import type { OnnxWriter } from './toOnnx';

const windows = ({ attributes: a }: Node) => ({
  kernel_shape: numbers(a, 'kernel'),
  strides: numbers(a, 'strides'),
  pads: numbers(a, 'pads'),
});

const LOWEST = -3.4028234663852886e38;

/**
 * The largest number of each window. onnxruntime begins with the lowest finite number, which stands for minus infinity
 * where nothing is larger; and of NaN it makes one thing or another by where in the window it is, unless it is asked for
 * the indices, too: then it compares numbers one by one, of which NaN is never the larger.
 */
export function lowerMaxPool(
  node: Node,
  [x]: readonly string[],
  [values, indices]: readonly string[],
  w: OnnxWriter,
): void {
  const infinity = w.float(Number.NEGATIVE_INFINITY);
  const orInfinity = (y: string) => {
    const none = w.emit('LessOrEqual', [y, w.float(LOWEST)]);
    w.emitInto([values!], 'Where', [none, infinity, y]);
  };
  if (!indices) {
    const numbersOnly = w.emit('Where', [w.emit('IsNaN', [x!]), infinity, x!]);
    orInfinity(w.emit('MaxPool', [numbersOnly], windows(node)));
    return;
  }
  // The first output may not be left out.
  const found = `${indices}/values`;
  w.emitInto([found, indices], 'MaxPool', [x!], windows(node));
  if (values) orInfinity(found);
}

export function lowerMaxUnpool(
  { attributes: a, inputs: [dy] }: Node,
  [x, indices]: readonly string[],
  outputs: readonly string[],
  w: OnnxWriter,
): void {
  const [, , height, width] = numbers(a, 'outputShape') as Shape4;
  const kernel = [Math.floor(height / dy!.shape[2]!), Math.floor(width / dy!.shape[3]!)];
  w.emitInto(outputs, 'MaxUnpool', [x!, indices!, w.integers(numbers(a, 'outputShape'))], {
    kernel_shape: kernel,
    strides: kernel,
  });
}

export function lowerAveragePool(
  node: Node,
  inputs: readonly string[],
  outputs: readonly string[],
  w: OnnxWriter,
): void {
  w.emitInto(outputs, 'AveragePool', inputs, { ...windows(node), count_include_pad: 0 });
}
