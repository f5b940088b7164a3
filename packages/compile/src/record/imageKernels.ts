/** Images turned, cut out and moved, blocks of pixels as channels or batches, and norms over neighbouring channels. */
import * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import { sizeOf, type Value } from '../graph/graph';
import { at, mapEach, ofLength } from '../graph/lists';
import { type Operands, type RecordKernel, type RecordKernels, reshape, transpose } from './kernelParts';
import { isEmpty, zeros } from './windows';

const cast = (b: GraphBuilder, x: Value, dtype: Value['dtype']) =>
  x.dtype === dtype ? x : b.emit('Cast', [x], { dtype });
const whole = (b: GraphBuilder, value: number) => b.scalar(value, 'int32');
const integers = (b: GraphBuilder, list: readonly number[], shape: readonly number[] = [list.length]) =>
  b.constant(Int32Array.from(list), 'int32', shape);
const floats = (b: GraphBuilder, list: readonly number[], shape: readonly number[]) =>
  b.constant(Float32Array.from(list), 'float32', shape);
const range = (length: number) => Array.from({ length }, (_, i) => i);

/** Column `i` of a matrix [n, columns], as [n, 1, 1]. */
const column = (b: GraphBuilder, matrix: Value, i: number): Value => {
  const n = at(matrix.shape, 0);
  const part = b.emit('Slice', [matrix], { begin: [0, i], size: [n, 1], strides: [1, 1] });
  return reshape(b, part, [n, 1, 1]);
};

const flip = (b: GraphBuilder, x: Value, axis: number): Value =>
  b.emit('Slice', [x], {
    begin: x.shape.map((dim, i) => (i === axis ? dim - 1 : 0)),
    size: x.shape,
    strides: x.shape.map((_, i) => (i === axis ? -1 : 1)),
  });

/** Between `low` and `high`, of the dtype that `x` has. */
const clamp = (b: GraphBuilder, x: Value, low: number, high: number): Value =>
  b.emit('Min', [b.emit('Max', [x, b.scalar(low, x.dtype)]), b.scalar(high, x.dtype)]);

const every = (b: GraphBuilder, conditions: readonly Value[]) =>
  conditions.reduce((all, condition) => b.emit('And', [all, condition]));

/** Pixels [..., C] of images [N, H, W, C]: of image `image`, row `y` and column `x`, whole numbers that are inside. */
function pixelsAt(b: GraphBuilder, images: Value, image: Value, y: Value, x: Value): Value {
  const [n, h, w, c] = ofLength(images.shape, 4);
  const row = b.emit('Add', [b.emit('Mul', [image, whole(b, h)]), y]);
  const index = b.emit('Add', [b.emit('Mul', [row, whole(b, w)]), x]);
  return b.emit('Gather', [reshape(b, images, [n * h * w, c]), index], { axis: 0 });
}

/** The number of each pixel for all of its channels. */
const perChannel = (b: GraphBuilder, x: Value) => reshape(b, x, [...x.shape, 1]);

const mix = (b: GraphBuilder, from: Value, to: Value, part: Value) =>
  b.emit('Add', [from, b.emit('Mul', [b.emit('Sub', [to, from]), part])]);

/** As far outside of an image as rounding may bring what lies on its edge, in parts of its side. */
const EDGE = 1e-6;

/**
 * Parts of images, each resized to the same size. Where a box reaches outside of its image, its pixels have the value
 * given; a box of an image that is not there has zeros.
 */
const cropAndResize: RecordKernel<'image' | 'boxes' | 'boxInd', tf.CropAndResizeAttrs> = (
  { image, boxes, boxInd },
  attrs,
  b,
) => {
  const [batch, h, w, c] = ofLength(image.shape, 4);
  const [height, width] = attrs.cropSize;
  const n = at(boxes.shape, 0);
  if (isEmpty(image.shape) || n * height * width === 0) return zeros(b, [n, height, width, c]);
  /** Where the pixels of a crop lie along a side of the image, and whether that is inside of it. */
  const along = (begin: Value, end: Value, size: number, count: number, shape: readonly number[]) => {
    const parts = range(count).map((i) => (count > 1 ? ((size - 1) * i) / (count - 1) : (size - 1) / 2));
    const first = b.emit('Mul', [begin, b.scalar(size - 1)]);
    const place = b.emit('Add', [
      first,
      b.emit('Mul', [b.emit('Sub', [end, begin]), floats(b, parts, shape)]),
    ]);
    const edge = EDGE * size;
    const inside = b.emit('And', [
      b.emit('GreaterOrEqual', [place, b.scalar(-edge)]),
      b.emit('LessOrEqual', [place, b.scalar(size - 1 + edge)]),
    ]);
    return { place: clamp(b, place, 0, size - 1), inside };
  };
  const [y1, x1, y2, x2] = mapEach([0, 1, 2, 3] as const, (i) => column(b, boxes, i));
  const vertical = along(y1, y2, h, height, [1, height, 1]);
  const horizontal = along(x1, x2, w, width, [1, 1, width]);
  const chosen = reshape(b, boxInd, [n, 1, 1]);
  const index = clamp(b, chosen, 0, batch - 1);
  const pixels = cast(b, image, 'float32');
  const pixelAt = (y: Value, x: Value) =>
    pixelsAt(b, pixels, index, cast(b, y, 'int32'), cast(b, x, 'int32'));
  let values: Value;
  if (attrs.method === 'bilinear') {
    const sides = [vertical, horizontal] as const;
    const [top, left] = mapEach(sides, ({ place }) => b.emit('Floor', [place]));
    const [bottom, right] = mapEach(sides, ({ place }) => b.emit('Ceil', [place]));
    const across = perChannel(b, b.emit('Sub', [horizontal.place, left]));
    const down = perChannel(b, b.emit('Sub', [vertical.place, top]));
    values = mix(
      b,
      mix(b, pixelAt(top, left), pixelAt(top, right), across),
      mix(b, pixelAt(bottom, left), pixelAt(bottom, right), across),
      down,
    );
  } else {
    const round = (x: Value) => b.emit('Floor', [b.emit('Add', [x, b.scalar(0.5)])]);
    values = pixelAt(round(vertical.place), round(horizontal.place));
  }
  const inside = perChannel(b, b.emit('And', [vertical.inside, horizontal.inside]));
  const filled = b.emit('Where', [inside, values, b.scalar(attrs.extrapolationValue)]);
  const exists = perChannel(b, b.emit('Less', [chosen, whole(b, batch)]));
  return b.emit('Where', [exists, filled, b.scalar(0)]);
};

/** Images turned around a centre; the angle is known, so that every pixel's source is. */
const rotateWithOffset: RecordKernel<'image', tf.RotateWithOffsetAttrs> = (
  { image },
  { radians, fillValue, center },
  b,
) => {
  const [n, h, w, c] = ofLength(image.shape, 4);
  if (isEmpty(image.shape)) return image;
  const [centerX, centerY] = tf.backend_util.getImageCenter(center, h, w);
  const [sine, cosine] = [Math.sin(radians), Math.cos(radians)];
  const sources = range(h * w).map((i) => {
    const [x, y] = [(i % w) - centerX, Math.floor(i / w) - centerY];
    const column = Math.round(x * cosine - y * sine + centerX);
    const row = Math.round(x * sine + y * cosine + centerY);
    return column >= 0 && column < w && row >= 0 && row < h ? row * w + column : -1;
  });
  const chosen = integers(
    b,
    sources.map((source) => Math.max(source, 0)),
  );
  const turned = b.emit('Gather', [reshape(b, image, [n, h * w, c]), chosen], { axis: 1 });
  // Where colours are given, the fourth channel is opaque.
  const colours = range(c).map((channel) =>
    typeof fillValue === 'number' ? fillValue : channel === 3 ? 255 : (fillValue[channel] ?? Number.NaN),
  );
  const fill = cast(b, floats(b, colours, [1, 1, c]), image.dtype);
  const inside = b.constant(
    Uint8Array.from(sources, (source) => Number(source >= 0)),
    'bool',
    [1, h * w, 1],
  );
  return reshape(b, b.emit('Where', [inside, turned, fill]), [n, h, w, c]);
};

/** A coordinate on a side of `size` pixels, for those outside by TensorFlow.js's fill modes. */
function mapped(b: GraphBuilder, place: Value, size: number, mode: string): Value {
  const number = (value: number) => b.scalar(value);
  const truncated = (x: Value) =>
    b.emit('Where', [b.emit('Less', [x, number(0)]), b.emit('Ceil', [x]), b.emit('Floor', [x])]);
  const quotient = (x: Value, by: number) => truncated(b.emit('Div', [x, number(by)]));
  const times = (x: Value, factor: number) => b.emit('Mul', [x, number(factor)]);
  const below = b.emit('Less', [place, number(0)]);
  const above = b.emit('Greater', [place, number(size - 1)]);
  const choose = (under: Value, over: Value) =>
    clamp(b, b.emit('Where', [below, under, b.emit('Where', [above, over, place])]), 0, size - 1);
  switch (mode) {
    case 'reflect': {
      if (size <= 1) return choose(number(0), number(0));
      const twice = 2 * size;
      const moved = b.emit('Add', [times(quotient(b.emit('Neg', [place]), twice), twice), place]);
      const under = b.emit('Where', [
        b.emit('Less', [moved, number(-size)]),
        b.emit('Add', [moved, number(twice)]),
        b.emit('Sub', [b.emit('Neg', [moved]), number(1)]),
      ]);
      const rest = b.emit('Sub', [place, times(quotient(place, twice), twice)]);
      const over = b.emit('Where', [
        b.emit('GreaterOrEqual', [rest, number(size)]),
        b.emit('Sub', [number(twice - 1), rest]),
        rest,
      ]);
      return choose(under, over);
    }
    case 'wrap': {
      if (size <= 1) return choose(number(0), number(0));
      const turns = b.emit('Add', [quotient(b.emit('Neg', [place]), size - 1), number(1)]);
      const under = b.emit('Add', [place, times(turns, size)]);
      const over = b.emit('Sub', [place, times(quotient(place, size - 1), size)]);
      return choose(under, over);
    }
    case 'nearest':
      return clamp(b, place, 0, size - 1);
    default:
      return place;
  }
}

/** Images seen through projective maps, eight numbers for each image or for all; all images, not the first alone. */
const projected: RecordKernel<'image' | 'transforms', tf.TransformAttrs> = (
  { image, transforms },
  attrs,
  b,
) => {
  const [n, h, w, c] = ofLength(image.shape, 4);
  const [height, width] = attrs.outputShape ?? [h, w];
  const shape = [n, height, width, c];
  if (isEmpty(shape)) return zeros(b, shape, image.dtype);
  const fill = b.scalar(attrs.fillValue, image.dtype);
  if (isEmpty(image.shape)) return b.emit('Broadcast', [fill], { shape });
  const t = range(8).map((i) => column(b, transforms, i));
  const outX = floats(b, range(width), [1, 1, width]);
  const outY = floats(b, range(height), [1, height, 1]);
  const linear = (x: number, y: number, rest: Value) =>
    b.emit('Add', [b.emit('Add', [b.emit('Mul', [at(t, x), outX]), b.emit('Mul', [at(t, y), outY])]), rest]);
  const projection = linear(6, 7, b.scalar(1));
  const source = (first: number, size: number) =>
    mapped(b, b.emit('Div', [linear(first, first + 1, at(t, first + 2)), projection]), size, attrs.fillMode);
  const [x, y] = [source(0, w), source(3, h)];
  const images = integers(b, range(n), [n, 1, 1]);
  const zero = b.scalar(0);
  const read = (row: Value, col: Value): Value => {
    const inside = every(b, [
      b.emit('GreaterOrEqual', [row, zero]),
      b.emit('Less', [row, b.scalar(h)]),
      b.emit('GreaterOrEqual', [col, zero]),
      b.emit('Less', [col, b.scalar(w)]),
    ]);
    // What is not inside, NaN included, reads the first pixel, which is not taken then.
    const place = (at: Value) => cast(b, b.emit('Where', [inside, at, zero]), 'int32');
    const pixels = pixelsAt(b, image, images, place(row), place(col));
    return b.emit('Where', [perChannel(b, inside), pixels, fill]);
  };
  let values: Value;
  if (attrs.interpolation === 'bilinear') {
    const [left, top] = [b.emit('Floor', [x]), b.emit('Floor', [y])];
    const [right, bottom] = mapEach([left, top] as const, (place) => b.emit('Add', [place, b.scalar(1)]));
    const part = (to: Value, from: Value) => perChannel(b, b.emit('Sub', [to, from]));
    const number = (pixels: Value) => cast(b, pixels, 'float32');
    const along = (row: Value) =>
      b.emit('Add', [
        b.emit('Mul', [part(right, x), number(read(row, left))]),
        b.emit('Mul', [part(x, left), number(read(row, right))]),
      ]);
    const sum = b.emit('Add', [
      b.emit('Mul', [part(bottom, y), along(top)]),
      b.emit('Mul', [part(y, top), along(bottom)]),
    ]);
    values = cast(b, sum, image.dtype);
  } else if (attrs.interpolation === 'nearest') {
    const round = (at: Value) => b.emit('Floor', [b.emit('Add', [at, b.scalar(0.5)])]);
    values = read(round(y), round(x));
  } else {
    throw new Error(`Interpolation '${attrs.interpolation}' is not known; expected 'nearest' or 'bilinear'.`);
  }
  const infinite = perChannel(b, b.emit('Equal', [projection, zero]));
  return b.emit('Where', [infinite, fill, values]);
};

/** The image with its edges mirrored around it: axis by axis, each of its places from where it is a mirror of. */
const mirrorPad: RecordKernel<'x', tf.MirrorPadAttrs> = ({ x }, { paddings, mode }, b) => {
  const offset = mode === 'reflect' ? 0 : 1;
  return paddings.reduce((image, [before, after], axis) => {
    if (before === 0 && after === 0) return image;
    const size = at(image.shape, axis);
    const from = range(before + size + after).map((i) => {
      const place = i - before;
      return place < 0 ? -place - offset : place >= size ? 2 * (size - 1) - place + offset : place;
    });
    return b.emit('Gather', [image, integers(b, from)], { axis });
  }, x);
};

const depthToSpace: RecordKernel<'x', tf.DepthToSpaceAttrs> = ({ x }, { blockSize, dataFormat }, b) => {
  if (dataFormat === 'NCHW') {
    throw new Error("depthToSpace with dataFormat 'NCHW' can't be traced; transpose to 'NHWC'.");
  }
  const [n, h, w, c] = ofLength(x.shape, 4);
  const depth = c / blockSize ** 2;
  const split = reshape(b, x, [n, h, w, blockSize, blockSize, depth]);
  return reshape(b, transpose(b, split, [0, 1, 3, 2, 4, 5]), [n, h * blockSize, w * blockSize, depth]);
};

const { getReshaped, getPermuted, getReshapedPermuted } = tf.backend_util;

/** Each block's pixels in images of their own. */
const spaceToBatch: RecordKernel<'x', tf.SpaceToBatchNDAttrs> = ({ x }, { blockShape, paddings }, b) => {
  const before = x.shape.map((_, i) => paddings[i - 1]?.[0] ?? 0);
  const after = x.shape.map((_, i) => paddings[i - 1]?.[1] ?? 0);
  const isPadded = [...before, ...after].some((n) => n !== 0);
  const wide = isPadded ? b.emit('Pad', [x], { before, after, value: 0 }) : x;
  const blocks = sizeOf(blockShape);
  const split = getReshaped([...wide.shape], blockShape, blocks, false);
  const perm = getPermuted(split.length, blockShape.length, false);
  const shape = getReshapedPermuted([...wide.shape], blockShape, blocks, false);
  return reshape(b, transpose(b, reshape(b, wide, split), perm), shape);
};

const batchToSpace: RecordKernel<'x', tf.BatchToSpaceNDAttrs> = ({ x }, { blockShape, crops }, b) => {
  const blocks = sizeOf(blockShape);
  const split = getReshaped([...x.shape], blockShape, blocks);
  const perm = getPermuted(split.length, blockShape.length);
  const shape = getReshapedPermuted([...x.shape], blockShape, blocks);
  const image = reshape(b, transpose(b, reshape(b, x, split), perm), shape);
  const begin = shape.map((_, i) => crops[i - 1]?.[0] ?? 0);
  const size = shape.map((dim, i) => dim - (crops[i - 1]?.[0] ?? 0) - (crops[i - 1]?.[1] ?? 0));
  return b.emit('Slice', [image], { begin, size, strides: begin.map(() => 1) });
};

/** For each channel, the sum over it and those at most `radius` away: a mean, and how many it is of. */
function sumOfNeighbours(b: GraphBuilder, x: Value, radius: number): Value {
  const channels = at(x.shape, -1);
  const reach = Math.min(radius, channels - 1);
  const rows = reshape(b, x, [1, 1, sizeOf(x.shape) / channels, channels]);
  const means = b.emit('AveragePool', [rows], {
    kernel: [1, 2 * reach + 1],
    strides: [1, 1],
    pads: [0, reach, 0, reach],
  });
  const counts = range(channels).map((i) => Math.min(i + reach, channels - 1) - Math.max(i - reach, 0) + 1);
  return reshape(b, b.emit('Mul', [means, floats(b, counts, [channels])]), x.shape);
}

const norms = (b: GraphBuilder, x: Value, { depthRadius, bias, alpha }: tf.LRNAttrs) =>
  b.emit('Add', [
    b.emit('Mul', [sumOfNeighbours(b, b.emit('Mul', [x, x]), depthRadius), b.scalar(alpha)]),
    b.scalar(bias),
  ]);

const localResponseNorm: RecordKernel<'x', tf.LRNAttrs> = ({ x }, attrs, b) =>
  isEmpty(x.shape) ? x : b.emit('Mul', [x, b.emit('Pow', [norms(b, x, attrs), b.scalar(-attrs.beta)])]);

const localResponseNormGradient: RecordKernel<'x' | 'y' | 'dy', tf.LRNGradAttrs> = (
  { x, y, dy },
  attrs,
  b,
) => {
  if (isEmpty(x.shape)) return x;
  const norm = norms(b, x, attrs);
  const own = b.emit('Mul', [dy, b.emit('Pow', [norm, b.scalar(-attrs.beta)])]);
  const shares = b.emit('Div', [b.emit('Mul', [dy, y]), norm]);
  const factor = b.emit('Mul', [x, b.scalar(2 * attrs.alpha * attrs.beta)]);
  return b.emit('Sub', [own, b.emit('Mul', [factor, sumOfNeighbours(b, shares, attrs.depthRadius)])]);
};

export const imageKernels: RecordKernels = {
  CropAndResize: cropAndResize,
  RotateWithOffset: rotateWithOffset,
  Transform: projected,
  FlipLeftRight: ({ image }: Operands<'image'>, _, b) => (isEmpty(image.shape) ? image : flip(b, image, 2)),
  MirrorPad: mirrorPad,
  DepthToSpace: depthToSpace,
  SpaceToBatchND: spaceToBatch,
  BatchToSpaceND: batchToSpace,
  LRN: localResponseNorm,
  LRNGrad: localResponseNormGradient,
};
