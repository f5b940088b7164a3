import type { Box } from './pixels';

/** Filters as Pillow has them: the cubic with a = -0.5, and Lanczos with three lobes. */
export type ResampleFilter = 'bicubic' | 'lanczos' | 'box';

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const KERNELS: Readonly<Record<ResampleFilter, { readonly support: number; kernel(x: number): number }>> = {
  bicubic: {
    support: 2,
    kernel(x) {
      const a = -0.5;
      const t = Math.abs(x);
      if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
      return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
    },
  },
  lanczos: { support: 3, kernel: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
  box: { support: 0.5, kernel: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
};

interface Taps {
  /** First source index of each output, and where its weights begin; they go on to the next's beginning. */
  readonly first: Int32Array;
  readonly offset: Int32Array;
  readonly weights: Float32Array;
}

/**
 * The weights of the sources of each of `to` outputs over [start, start + length) of `size` pixels. When reducing, the
 * filter is as much wider, so that nothing is skipped (antialiasing). Reference: Pillow, src/libImaging/Resample.c.
 */
function tapsOf(start: number, length: number, to: number, filter: ResampleFilter): Taps {
  const { support, kernel } = KERNELS[filter];
  const scale = length / to;
  const widening = Math.max(scale, 1);
  const reach = support * widening;
  const first = new Int32Array(to);
  const offset = new Int32Array(to + 1);
  const weights: number[] = [];
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    // A crop is an image of its own: what lies beyond it does not count.
    const from = Math.max(0, Math.trunc(center - reach + 0.5));
    const until = Math.min(length, Math.trunc(center + reach + 0.5));
    let sum = 0;
    const begin = weights.length;
    for (let k = from; k < until; k++) {
      const weight = kernel((k - center + 0.5) / widening);
      weights.push(weight);
      sum += weight;
    }
    for (let k = begin; k < weights.length; k++) weights[k]! /= sum;
    first[i] = start + from;
    offset[i + 1] = weights.length;
  }
  return { first, offset, weights: Float32Array.from(weights) };
}

/**
 * A crop of an image at another size, as Pillow's `crop` and `resize`: across, then down, with bytes in between.
 *
 * @param pixels `[height, width, channels]`
 * @param flip mirrors left and right
 * @returns `[size, size, channels]`
 */
export function resample(
  pixels: Uint8Array,
  [, width, channels]: readonly [number, number, number],
  box: Box,
  size: number,
  filter: ResampleFilter,
  flip = false,
): Uint8ClampedArray {
  const across = tapsOf(box.left, box.width, size, filter);
  const down = tapsOf(box.top, box.height, size, filter);
  const rowLength = size * channels;
  // Clamped arrays round and clip as Pillow does; without the clipping in between, edges would overshoot.
  const half = new Uint8ClampedArray(box.height * rowLength);
  for (let y = 0; y < box.height; y++) {
    const row = (box.top + y) * width;
    for (let x = 0; x < size; x++) {
      const target = y * rowLength + (flip ? size - 1 - x : x) * channels;
      const begin = across.offset[x]!;
      const end = across.offset[x + 1]!;
      const source = (row + across.first[x]!) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = begin, at = source + c; k < end; k++, at += channels)
          sum += across.weights[k]! * pixels[at]!;
        half[target + c] = sum;
      }
    }
  }
  const result = new Uint8ClampedArray(size * rowLength);
  const sums = new Float32Array(rowLength);
  for (let y = 0; y < size; y++) {
    const begin = down.offset[y]!;
    const end = down.offset[y + 1]!;
    let source = (down.first[y]! - box.top) * rowLength;
    sums.fill(0);
    for (let k = begin; k < end; k++, source += rowLength) {
      const weight = down.weights[k]!;
      for (let i = 0; i < rowLength; i++) sums[i]! += weight * half[source + i]!;
    }
    result.set(sums, y * rowLength);
  }
  return result;
}
