import { at } from '../graph/lists';
import type { Pooling } from '../graph/ops';
import type { OnnxLowering, OnnxWriter } from './lowering';

const windows = ({ kernel, strides, pads }: Pooling) => ({ kernel_shape: kernel, strides, pads });

/** The finite number after the lowest. */
const NEARLY_LOWEST = -3.4028232635611926e38;

/**
 * The largest number of each window, and where it is, coded so that it is negative for a window without one.
 *
 * onnxruntime begins with the lowest finite number: of a window without a larger one, of infinities or NaN, it tells a
 * place outside of memory; and of some NaN it makes NaN by where they are. So it gets none of these.
 */
export const lowerMaxPool: OnnxLowering<'MaxPool'> = ({ attributes }, [x], [values, indices], w) => {
  const least = w.float(NEARLY_LOWEST);
  const numbers = w.emit('Where', [w.emit('Greater', [x, least]), x, least]);
  // The first output may not be left out.
  const found = `${values || indices}/found`;
  const place = `${found}/at`;
  w.emitInto(indices ? [found, place] : [found], 'MaxPool', [numbers], windows(attributes));
  const none = w.emit('LessOrEqual', [found, least]);
  if (values) w.emitInto([values], 'Where', [none, w.float(Number.NEGATIVE_INFINITY), found]);
  if (indices) w.emitInto([indices], 'Where', [none, coded(place, w), place]);
};

/** -1 - index, which is its own inverse. */
const coded = (index: string, w: OnnxWriter): string => w.emit('Sub', [w.integers([-1]), index]);

export const lowerMaxUnpool: OnnxLowering<'MaxUnpool'> = (node, [x, indices], outputs, w) => {
  const { outputShape } = node.attributes;
  const [dy] = node.inputs;
  const kernel = [2, 3].map((axis) => Math.floor(at(outputShape, axis) / at(dy.shape, axis)));
  const none = w.emit('Less', [indices, w.integers([0])]);
  const gradient = w.emit('Where', [none, w.float(0), x]);
  const places = w.emit('Where', [none, coded(indices, w), indices]);
  w.emitInto(outputs, 'MaxUnpool', [gradient, places, w.integers(outputShape)], {
    kernel_shape: kernel,
    strides: kernel,
  });
};

export const lowerAveragePool: OnnxLowering<'AveragePool'> = ({ attributes }, inputs, outputs, w) =>
  w.emitInto(outputs, 'AveragePool', inputs, { ...windows(attributes), count_include_pad: 0 });
