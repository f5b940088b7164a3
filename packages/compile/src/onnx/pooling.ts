import type { Node, Shape4 } from '../graph/graph';
import { numbers } from '../graph/ops';
import type { OnnxWriter } from './toOnnx';

const windows = ({ attributes: a }: Node) => ({
  kernel_shape: numbers(a, 'kernel'),
  strides: numbers(a, 'strides'),
  pads: numbers(a, 'pads'),
});

/** The finite number after the lowest. */
const NEARLY_LOWEST = -3.4028232635611926e38;

/**
 * The largest number of each window, and where it is, coded so that it is negative for a window without one.
 *
 * onnxruntime begins with the lowest finite number: of a window without a larger one, of infinities or NaN, it tells a
 * place outside of memory; and of some NaN it makes NaN by where they are. So it gets none of these.
 */
export function lowerMaxPool(
  node: Node,
  [x]: readonly string[],
  [values, indices]: readonly string[],
  w: OnnxWriter,
): void {
  const least = w.float(NEARLY_LOWEST);
  const numbers = w.emit('Where', [w.emit('Greater', [x!, least]), x!, least]);
  // The first output may not be left out.
  const found = `${values || indices}/found`;
  const at = `${found}/at`;
  w.emitInto(indices ? [found, at] : [found], 'MaxPool', [numbers], windows(node));
  const none = w.emit('LessOrEqual', [found, least]);
  if (values) w.emitInto([values], 'Where', [none, w.float(Number.NEGATIVE_INFINITY), found]);
  if (indices) w.emitInto([indices], 'Where', [none, coded(at, w), at]);
}

/** -1 - index, which is its own inverse. */
const coded = (index: string, w: OnnxWriter): string => w.emit('Sub', [w.integers([-1]), index]);

export function lowerMaxUnpool(
  { attributes: a, inputs: [dy] }: Node,
  [x, indices]: readonly string[],
  outputs: readonly string[],
  w: OnnxWriter,
): void {
  const [, , height, width] = numbers(a, 'outputShape') as Shape4;
  const kernel = [Math.floor(height / dy!.shape[2]!), Math.floor(width / dy!.shape[3]!)];
  const none = w.emit('Less', [indices!, w.integers([0])]);
  const gradient = w.emit('Where', [none, w.float(0), x!]);
  const places = w.emit('Where', [none, coded(indices!, w), indices!]);
  w.emitInto(outputs, 'MaxUnpool', [gradient, places, w.integers(numbers(a, 'outputShape'))], {
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
