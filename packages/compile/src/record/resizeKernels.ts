/** Images made larger and smaller, and the gradients of that. Images are [N, H, W, C] here, as in TensorFlow.js. */
import type * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import { mapIfAll, ofLength } from '../graph/lists';
import { fromGraph, toGraph } from './convKernels';
import { type RecordKernel, type RecordKernels, reshape } from './kernelParts';
import { isEmpty, zeros } from './windows';

interface ResizeAttributes {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

/** Where the pixels of a side of `to` pixels lie on one of `from`: TensorFlow.js's formula, in its order of steps. */
function places(
  from: number,
  to: number,
  { alignCorners, halfPixelCenters }: ResizeAttributes,
  center: number,
) {
  const corners = alignCorners && to > 1;
  const ratio = (corners ? from - 1 : from) / (corners ? to - 1 : to);
  return Array.from({ length: to }, (_, i) => (halfPixelCenters ? ratio * (i + 0.5) - center : ratio * i));
}

/** For every pixel of a side, the one that it is a copy of. */
const nearest = (from: number, to: number, attrs: ResizeAttributes): number[] =>
  places(from, to, attrs, 0).map((place) => {
    const whole = attrs.alignCorners ? Math.round(place) : Math.floor(place);
    return Math.max(0, Math.min(from - 1, whole));
  });

/** A side of `from` pixels as one of `to`: each of them is a sum of a few, `[pixel, weight]`. */
type Mixture = readonly (readonly [pixel: number, weight: number])[];

const bilinear = (from: number, to: number, attrs: ResizeAttributes): Mixture[] =>
  places(from, to, attrs, 0.5).map((place) => {
    const below = Math.max(0, Math.floor(place));
    const above = Math.min(from - 1, Math.ceil(place));
    return [
      [below, 1 - (place - below)],
      [above, place - below],
    ];
  });

/** The gradient [N, h, w, C] of a resized image as that of the image itself, by the mixtures of both sides. */
function unmixed(
  b: GraphBuilder,
  dy: Value,
  height: number,
  width: number,
  rows: Mixture[],
  columns: Mixture[],
) {
  const [n, h, w, c] = ofLength(dy.shape, 4);
  const matrix = (mixtures: Mixture[], from: number) => {
    const data = new Float32Array(from * mixtures.length);
    mixtures.forEach((mixture, i) => {
      for (const [pixel, weight] of mixture) data[pixel * mixtures.length + i]! += weight;
    });
    return b.constant(data, 'float32', [from, mixtures.length]);
  };
  const product = (left: Value, right: Value) =>
    b.emit('MatMul', [left, right], { transposeA: false, transposeB: false });
  const across = product(matrix(columns, width), reshape(b, dy, [n * h, w, c]));
  const down = product(matrix(rows, height), reshape(b, across, [n, h, width * c]));
  return reshape(b, down, [n, height, width, c]);
}

const copies = (pixels: readonly number[]): Mixture[] => pixels.map((pixel) => [[pixel, 1]]);

/** How often every pixel comes in turn, where all come as often. */
function factorOf(pixels: readonly number[], from: number): number | undefined {
  const factor = pixels.length / from;
  const regular = Number.isInteger(factor) && pixels.every((pixel, i) => pixel === Math.floor(i / factor));
  return regular ? factor : undefined;
}
function factorsOf(rows: readonly number[], columns: readonly number[], image: Value) {
  const [, height, width] = ofLength(image.shape, 4);
  return mapIfAll([factorOf(rows, height), factorOf(columns, width)] as const, (factor) => factor);
}

const asIntegers = (b: GraphBuilder, list: readonly number[]) =>
  b.constant(Int32Array.from(list), 'int32', [list.length]);

const resizeNearest: RecordKernel<'images', tf.ResizeNearestNeighborAttrs> = ({ images }, attrs, b) => {
  const image = images;
  const [n, h, w, c] = ofLength(image.shape, 4);
  const [height, width] = attrs.size;
  if (isEmpty(image.shape) || height * width === 0) return zeros(b, [n, height, width, c], image.dtype);
  const rows = nearest(h, height, attrs);
  const columns = nearest(w, width, attrs);
  const factors = image.dtype === 'float32' ? factorsOf(rows, columns, image) : undefined;
  if (factors) return fromGraph(b, b.emit('UpsampleNearest', [toGraph(b, image)], { factors }));
  const chosen = b.emit('Gather', [image, asIntegers(b, rows)], { axis: 1 });
  return b.emit('Gather', [chosen, asIntegers(b, columns)], { axis: 2 });
};

const resizeNearestGradient: RecordKernel<'images' | 'dy', ResizeAttributes> = ({ images, dy }, attrs, b) => {
  const [, h, w] = ofLength(images.shape, 4);
  const [, height, width] = ofLength(dy.shape, 4);
  if (isEmpty(dy.shape) || isEmpty(images.shape)) return zeros(b, images.shape);
  const rows = nearest(h, height, attrs);
  const columns = nearest(w, width, attrs);
  const factors = factorsOf(rows, columns, images);
  if (!factors) return unmixed(b, dy, h, w, copies(rows), copies(columns));
  const pool = { kernel: factors, strides: factors, pads: [0, 0, 0, 0] };
  const mean = b.emit('AveragePool', [toGraph(b, dy)], pool);
  return fromGraph(b, b.emit('Mul', [mean, b.scalar(factors[0] * factors[1])]));
};

const coordinates = ({ alignCorners, halfPixelCenters }: ResizeAttributes) =>
  alignCorners ? 'align_corners' : halfPixelCenters ? 'half_pixel' : 'asymmetric';

// Channels stay last: engines resize pixel by pixel, and read whole pixels then.
const resizeBilinear: RecordKernel<'images', tf.ResizeBilinearAttrs> = ({ images }, attrs, b) => {
  const image = images.dtype === 'float32' ? images : b.emit('Cast', [images], { dtype: 'float32' });
  const [n, , , c] = ofLength(image.shape, 4);
  const { size } = attrs;
  if (isEmpty(image.shape) || size[0] * size[1] === 0) return zeros(b, [n, ...size, c]);
  return b.emit('ResizeBilinear', [image], { size, coordinates: coordinates(attrs) });
};

const resizeBilinearGradient: RecordKernel<'images' | 'dy', ResizeAttributes> = (
  { images, dy },
  attrs,
  b,
) => {
  const [, h, w] = ofLength(images.shape, 4);
  const [, height, width] = ofLength(dy.shape, 4);
  if (isEmpty(dy.shape) || isEmpty(images.shape)) return zeros(b, images.shape);
  return unmixed(b, dy, h, w, bilinear(h, height, attrs), bilinear(w, width, attrs));
};

export const resizeKernels: RecordKernels = {
  ResizeNearestNeighbor: resizeNearest,
  ResizeNearestNeighborGrad: resizeNearestGradient,
  ResizeBilinear: resizeBilinear,
  ResizeBilinearGrad: resizeBilinearGradient,
};
