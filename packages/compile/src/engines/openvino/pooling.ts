import { ofLength } from '../../graph/lists';
import type { Pooling, WindowSteps } from '../../graph/ops';
import { type IrWriter, NUMPY, type Port } from './ir';
import type { IrLowering } from './lowering';
import { windowAttributes } from './window';

const windows = (a: Pooling) => ({ ...windowAttributes(a), kernel: a.kernel, rounding_type: 'floor' });

/** Every pixel as often as makes the image of this size, `[height, width]`. */
const upsampleNearest = (x: Port, size: readonly number[], ir: IrWriter): Port =>
  ir.emit('Interpolate', 11, [x, ir.integers(size), ir.integers([2, 3])], {
    mode: 'nearest',
    shape_calculation_mode: 'sizes',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
    antialias: false,
  });

/**
 * What belongs to windows, `[n, c, h, w]`, at each of their pixels in the image, `[n, c, height, width]`. Windows do
 * not overlap. Pixels that no window comes near have 0.
 */
function atPixels(
  { strides, pads }: WindowSteps,
  x: Port,
  image: readonly number[],
  counts: readonly number[],
  ir: IrWriter,
): Port {
  const [, , height, width] = ofLength(image, 4);
  const [, , h, w] = ofLength(counts, 4);
  const [sh, sw] = ofLength(strides, 2);
  const [top, left] = ofLength(pads, 4);
  const large = upsampleNearest(x, [h * sh, w * sw], ir);
  const [bottom, right] = [height - (h * sh - top), width - (w * sw - left)];
  if (top === 0 && left === 0 && bottom === 0 && right === 0) return large;
  const [begin, end] = [ir.integers([0, 0, -top, -left]), ir.integers([0, 0, bottom, right])];
  return ir.emit('Pad', 12, [large, begin, end, ir.float(0)], { pad_mode: 'constant' });
}

/** The rank of every pixel in its window: 1 for the last, more for those before, and less for those outside of it. */
function ranks({ kernel, strides, pads }: Pooling, image: readonly number[], ir: IrWriter): Port {
  const [, , height, width] = ofLength(image, 4);
  const [kh, kw] = ofLength(kernel, 2);
  const [sh, sw] = ofLength(strides, 2);
  const [top, left] = ofLength(pads, 4);
  const values = Float32Array.from({ length: height * width }, (_, i) => {
    const y = (Math.floor(i / width) + top) % sh;
    const x = ((i % width) + left) % sw;
    return y < kh && x < kw ? kh * kw - y * kw - x : -1;
  });
  return ir.constant(values, 'f32', [1, 1, height, width]);
}

/**
 * The ranks of the largest values in their windows, of the first of equal ones; 0 where there is none, for numbers that
 * are none. Only the gradient asks, see `MaxUnpool`. OpenVINO's own indices come from its reference kernel, in many
 * times the time.
 */
function largestRanks(
  a: Pooling,
  x: Port,
  values: Port,
  from: readonly number[],
  to: readonly number[],
  ir: IrWriter,
): Port {
  const largest = ir.emit('Equal', 1, [x, atPixels(a, values, from, to, ir)], NUMPY);
  const found = ir.emit('Select', 1, [largest, ranks(a, from, ir), ir.float(0)], NUMPY);
  return ir.emit('MaxPool', 1, [found], windows(a));
}

const LOWEST = -3.4028234663852886e38;

export const lowerMaxPool: IrLowering<'MaxPool'> = (node, [x], ir) => {
  const { attributes: a } = node;
  const values = ir.emit('MaxPool', 1, [x], windows(a));
  // OpenVINO begins with the lowest finite number, which stands for minus infinity where nothing is larger.
  const none = ir.emit('LessEqual', 1, [values, ir.float(LOWEST)], NUMPY);
  const largest = ir.emit('Select', 1, [none, ir.float(Number.NEGATIVE_INFINITY), values], NUMPY);
  const [[{ shape: from }], [{ shape: to }]] = [node.inputs, node.outputs];
  return from.length === 4 ? [largest, largestRanks(a, x, values, from, to, ir)] : [largest];
};

/** Every value to its place in an image of zeros. */
export const lowerMaxUnpool: IrLowering<'MaxUnpool'> = ({ attributes: a, inputs: [dy] }, [x, found], ir) => {
  const [from, to] = [dy.shape, a.outputShape];
  const here = ir.emit('Equal', 1, [atPixels(a, found, to, from, ir), ranks(a, to, ir)], NUMPY);
  return ir.emit('Select', 1, [here, atPixels(a, x, to, from, ir), ir.float(0)], NUMPY);
};

export const lowerAveragePool: IrLowering<'AveragePool'> = ({ attributes: a }, [x], ir) =>
  ir.emit('AvgPool', 1, [x], { ...windows(a), 'exclude-pad': true });

export const lowerUpsampleNearest: IrLowering<'UpsampleNearest'> = ({ outputs: [value] }, [x], ir) =>
  upsampleNearest(x, value.shape.slice(2), ir);
