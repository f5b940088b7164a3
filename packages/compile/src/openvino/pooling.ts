import type { Attributes, Shape4 } from '../graph/graph';
import { numbers } from '../graph/ops';
import { type IrWriter, NUMPY, type Port } from './ir';
import type { IrLowering } from './toOpenvino';
import { windowAttributes } from './window';

const windows = (a: Attributes) => ({
  ...windowAttributes(a),
  kernel: numbers(a, 'kernel'),
  rounding_type: 'floor',
});

/**
 * A grid of cells, as large as the strides, each with a window in its upper left corner. The images, with these pads
 * around (negative: without so many pixels), are that grid.
 */
function cells(a: Attributes, [height, width]: readonly number[], [h, w]: readonly number[]) {
  const [kh, kw] = numbers(a, 'kernel') as readonly [number, number];
  const [sh, sw] = numbers(a, 'strides') as readonly [number, number];
  const [top, left] = numbers(a, 'pads') as Shape4;
  const places = Float32Array.from({ length: sh * sw }, (_, i) =>
    Math.floor(i / sw) < kh && i % sw < kw ? i : Number.POSITIVE_INFINITY,
  );
  return {
    size: [sh, sw] as const,
    /** Of every element of a cell; infinite outside of the window. */
    places: (ir: IrWriter) => ir.constant(places, 'f32', [sh * sw, 1]),
    pads: [top, left, h! * sh - top - height!, w! * sw - left - width!] as Shape4,
  };
}

function padded(x: Port, [top, left, bottom, right]: Shape4, fill: number, ir: IrWriter): Port {
  if (top === 0 && left === 0 && bottom === 0 && right === 0) return x;
  const [begin, end] = [ir.integers([0, 0, top, left]), ir.integers([0, 0, bottom, right])];
  return ir.emit('Pad', 12, [x, begin, end, ir.float(fill)], { pad_mode: 'constant' });
}

/**
 * The places of the largest values in their windows, the first of equal ones. Windows do not overlap: only the
 * gradient asks, see `MaxUnpool`. OpenVINO's own indices come from its reference kernel, in many times the time.
 */
function largestPlaces(a: Attributes, x: Port, values: Port, from: Shape4, to: Shape4, ir: IrWriter): Port {
  const [n, c, h, w] = to;
  const { size, places, pads } = cells(a, from.slice(2), to.slice(2));
  const [sh, sw] = size;
  const rows = ir.reshape(padded(x, pads, Number.NEGATIVE_INFINITY, ir), [n * c * h, sh, w, sw]);
  const turned = ir.emit('Transpose', 1, [rows, ir.integers([1, 3, 0, 2])]);
  const elements = ir.reshape(turned, [sh * sw, n * c * h * w]);
  const largest = ir.emit('Equal', 1, [elements, ir.reshape(values, [1, n * c * h * w])], NUMPY);
  const found = ir.emit('Select', 1, [largest, places(ir), ir.float(sh * sw)], NUMPY);
  return ir.reshape(ir.emit('ReduceMin', 1, [found, ir.integers([0])], { keep_dims: true }), to);
}

export const lowerMaxPool: IrLowering = ({ attributes: a, inputs: [image], outputs: [value] }, [x], ir) => {
  const values = ir.emit('MaxPool', 1, [x!], windows(a));
  const [from, to] = [image!.shape, value!.shape] as unknown as [Shape4, Shape4];
  return [values, largestPlaces(a, x!, values, from, to, ir)];
};

export const lowerAveragePool: IrLowering = ({ attributes: a }, [x], w) =>
  w.emit('AvgPool', 1, [x!], { ...windows(a), 'exclude-pad': true });

/** Every value to its place in an image of zeros. */
export const lowerMaxUnpool: IrLowering = ({ attributes: a, inputs: [dy] }, [x, found], ir) => {
  const [n, c, h, w] = dy!.shape as Shape4;
  const { size, places, pads } = cells(a, numbers(a, 'outputShape').slice(2), [h, w]);
  const [sh, sw] = size;
  const row = (port: Port) => ir.reshape(port, [1, n * c * h * w]);
  const here = ir.emit('Equal', 1, [row(found!), places(ir)], NUMPY);
  const elements = ir.emit('Select', 1, [here, row(x!), ir.float(0)], NUMPY);
  const rows = ir.reshape(elements, [sh, sw, n * c * h, w]);
  const placed = ir.emit('Transpose', 1, [rows, ir.integers([2, 0, 3, 1])]);
  const without = pads.map((pad) => -pad) as unknown as Shape4;
  return padded(ir.reshape(placed, [n, c, h * sh, w * sw]), without, 0, ir);
};
