/** Where the windows of a convolution or a pool lie on an image, as the graph and all engines take them. */
import * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import { sizeOf, type Value } from '../graph/graph';
import { at } from '../graph/lists';

/** How TensorFlow.js's kernels say it. */
export interface WindowAttributes {
  readonly strides: number | number[];
  readonly pad: 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
  readonly dilations?: number | number[] | null;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly dataFormat?: string;
}

/** One number for each axis of the image, as in all lists here. */
export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Around what is left of the image after cropping: before every axis, then after every axis. At least 0. */
  readonly pads: readonly number[];
  /**
   * Pixels that no window meets and that stand in the way of saying so with pads, or, below 0, zeros around the image in
   * place of pads that an engine does not take. Mostly 0.
   */
  readonly crop: { readonly before: readonly number[]; readonly after: readonly number[] };
  /** How many windows there are. */
  readonly counts: readonly number[];
}

/** What TensorFlow.js says of two or three axes. */
type Info = Omit<tf.backend_util.Conv3DInfo, 'dataFormat'> | Omit<tf.backend_util.Conv2DInfo, 'dataFormat'>;

const lists = (info: Info) =>
  'inDepth' in info
    ? {
        size: [info.inDepth, info.inHeight, info.inWidth],
        kernel: [info.filterDepth, info.filterHeight, info.filterWidth],
        strides: [info.strideDepth, info.strideHeight, info.strideWidth],
        dilations: [info.dilationDepth, info.dilationHeight, info.dilationWidth],
        before: [info.padInfo.front, info.padInfo.top, info.padInfo.left],
        after: [info.padInfo.back, info.padInfo.bottom, info.padInfo.right],
        counts: [info.outDepth, info.outHeight, info.outWidth],
      }
    : {
        size: [info.inHeight, info.inWidth],
        kernel: [info.filterHeight, info.filterWidth],
        strides: [info.strideHeight, info.strideWidth],
        dilations: [info.dilationHeight, info.dilationWidth],
        before: [info.padInfo.top, info.padInfo.left],
        after: [info.padInfo.bottom, info.padInfo.right],
        counts: [info.outHeight, info.outWidth],
      };

/** Pixels from the first to the last of a window. */
const reach = ({ kernel, dilations }: Pick<Windows, 'kernel' | 'dilations'>, axis: number): number =>
  (at(kernel, axis) - 1) * at(dilations, axis) + 1;

/**
 * The windows that TensorFlow.js counts. It may count more than fit, as rounding 'ceil' does, and then they hang over the
 * image; or fewer, as with a number for `pad` and sides of different lengths, and then pixels are left over.
 *
 * @param counts how many there are, where a gradient that is given says so: TensorFlow.js's own gradients forget the
 * rounding
 * @throws where not even one fits
 */
function windowsOf(info: Info, counts?: readonly number[]): Windows {
  const { size, kernel, strides, dilations, before, after, ...rest } = lists(info);
  const all = counts ?? rest.counts;
  if (all.some((count) => count < 0)) {
    throw new Error(
      `Windows of [${kernel}] do not fit an image of [${size}] with pads of ${before}; ${after}.`,
    );
  }
  const needed = all.map(
    (count, i) =>
      (count - 1) * at(strides, i) + reach({ kernel, dilations }, i) - at(size, i) - at(before, i),
  );
  // As many windows come out with up to a stride more: what was asked for stays.
  const end = needed.map((pad, i) => {
    const own = Math.max(at(after, i), 0);
    return own >= pad && own < pad + at(strides, i) ? own : pad;
  });
  return {
    kernel,
    strides,
    dilations,
    pads: [...before, ...end].map((pad) => Math.max(pad, 0)),
    crop: {
      before: before.map((pad) => Math.max(-pad, 0)),
      after: end.map((pad) => Math.max(-pad, 0)),
    },
    counts: all,
  };
}

const isDeep = (shape: readonly number[]) => shape.length === 5;
type Shape4 = [number, number, number, number];
type Shape5 = [number, number, number, number, number];

/**
 * The windows that a filter is laid on.
 *
 * @param shape of the image as TensorFlow.js has it, four axes or five
 * @param filter [...kernel, in, out]
 */
export function filterWindows(
  shape: readonly number[],
  filter: readonly number[],
  attrs: WindowAttributes,
  counts?: readonly number[],
): Windows {
  const { strides, pad, dimRoundingMode } = attrs;
  const dilations = attrs.dilations ?? 1;
  if (isDeep(shape)) {
    const info = tf.backend_util.computeConv3DInfo(
      shape as Shape5,
      filter as Shape5,
      strides as number,
      dilations as number,
      pad as 'same',
    );
    return windowsOf(info, counts);
  }
  const info = tf.backend_util.computeConv2DInfo(
    shape as Shape4,
    filter as Shape4,
    strides as number,
    dilations as number,
    pad as 'same',
    dimRoundingMode,
    false,
    attrs.dataFormat === 'NCHW' ? 'channelsFirst' : 'channelsLast',
  );
  return windowsOf(info, counts);
}

/**
 * With zeros around the image in place of pads as large as a window: OpenVINO 2026.4 leaves undefined what a convolution
 * makes of padding alone.
 */
function withoutLargePads(windows: Windows): Windows {
  const { pads, crop } = windows;
  const axes = crop.before.length;
  const isLarge = pads.map((pad, i) => pad >= reach(windows, i % axes));
  const zerosAt = (cut: number, i: number) => cut - (isLarge[i] ? at(pads, i) : 0);
  return {
    ...windows,
    pads: pads.map((pad, i) => (isLarge[i] ? 0 : pad)),
    crop: {
      before: crop.before.map((cut, i) => zerosAt(cut, i)),
      after: crop.after.map((cut, i) => zerosAt(cut, i + axes)),
    },
  };
}

/** The windows of a convolution, see `filterWindows`. */
export const convWindows = (...args: Parameters<typeof filterWindows>): Windows =>
  withoutLargePads(filterWindows(...args));

/** The windows of a pool over an image, its channels last. */
export function poolWindows(
  shape: readonly number[],
  attrs: WindowAttributes & { readonly filterSize: number | number[] },
  counts?: readonly number[],
): Windows {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const compute = (
    isDeep(shape) ? tf.backend_util.computePool3DInfo : tf.backend_util.computePool2DInfo
  ) as typeof tf.backend_util.computePool2DInfo;
  const info = compute(
    shape as Shape4,
    filterSize as number,
    strides as number,
    1,
    pad as 'same',
    dimRoundingMode,
  );
  return windowsOf(info, counts);
}

/** The attributes of windows in the graph. */
export const geometry = ({ strides, dilations, pads }: Windows) => ({ strides, dilations, pads });

/** The image [N, C, ...space] without its first and last pixels along each axis, or with zeros there, below 0. */
function cut(b: GraphBuilder, image: Value, first: readonly number[], last: readonly number[]): Value {
  const positive = (list: readonly number[]) => [0, 0, ...list.map((n) => Math.max(n, 0))];
  const [before, after] = [positive(first), positive(last)];
  const [front, back] = [positive(first.map((n) => -n)), positive(last.map((n) => -n))];
  const some = (...lists: number[][]) => lists.flat().some((n) => n > 0);
  const less = some(before, after)
    ? b.emit('Slice', [image], {
        begin: before,
        size: image.shape.map((dim, i) => dim - at(before, i) - at(after, i)),
        strides: image.shape.map(() => 1),
      })
    : image;
  return some(front, back) ? b.emit('Pad', [less], { before: front, after: back, value: 0 }) : less;
}

/** The image [N, C, ...space] that the windows lie on. */
export const cropped = (b: GraphBuilder, image: Value, { crop }: Windows): Value =>
  cut(b, image, crop.before, crop.after);

/** What belongs to the pixels of a cropped image, at those of the whole one; zeros where there is none. */
export function uncropped(b: GraphBuilder, image: Value, { crop }: Windows): Value {
  const back = (list: readonly number[]) => list.map((n) => (n === 0 ? 0 : -n));
  return cut(b, image, back(crop.before), back(crop.after));
}

/** Zeros, in place of what is made of nothing: no engine has windows over tensors of size 0. */
export const zeros = (b: GraphBuilder, shape: readonly number[], dtype: Value['dtype'] = 'float32'): Value =>
  b.emit('Broadcast', [b.scalar(0, dtype)], { shape });

export const isEmpty = (shape: readonly number[]): boolean => sizeOf(shape) === 0;
