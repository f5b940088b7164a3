import type { ResampleFilter } from '@beit/weights';

interface Kernel {
  /** From here on it is 0. */
  readonly support: number;
  /** A symmetric function, for numbers of at least 0. */
  at(x: number): number;
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Pillow's: the cubic with a = -0.5, and Lanczos with three lobes. */
const KERNELS: Readonly<Record<Exclude<ResampleFilter, 'nearest' | 'box'>, Kernel>> = {
  bicubic: {
    support: 2,
    at: (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : (((x - 5) * x + 8) * x - 4) * -0.5),
  },
  bilinear: { support: 1, at: (x) => 1 - x },
  hamming: { support: 1, at: (x) => sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) },
  lanczos: { support: 3, at: (x) => sinc(x) * sinc(x / 3) },
};

/** A kernel between 1024 values per unit by interpolation: to within 1e-6 of it, and faster. */
function tabulated({ support, at }: Kernel): Kernel {
  const PER_UNIT = 1024;
  const table = Float64Array.from({ length: support * PER_UNIT + 1 }, (_, i) => at(i / PER_UNIT));
  return {
    support,
    at(x) {
      const position = x * PER_UNIT;
      const below = Math.trunc(position);
      return table[below]! + (position - below) * (table[below + 1]! - table[below]!);
    },
  };
}

type Filter = (x: number) => number;

const symmetric =
  ({ support, at }: Kernel): Filter =>
  (x) => {
    const distance = Math.abs(x);
    return distance < support ? at(distance) : 0;
  };

/** 1 on (-0.5, 0.5]. */
const BOX: Filter = (x) => (x > -0.5 && x <= 0.5 ? 1 : 0);

const filters = (kernel: (own: Kernel) => Kernel): Readonly<Record<ResampleFilter, Filter>> => {
  const of = (name: keyof typeof KERNELS) => symmetric(kernel(KERNELS[name]));
  return {
    // Its one source is chosen below.
    nearest: BOX,
    box: BOX,
    bilinear: of('bilinear'),
    hamming: of('hamming'),
    bicubic: of('bicubic'),
    lanczos: of('lanczos'),
  };
};
const EXACT = filters((own) => own);
const TABULATED = filters(tabulated);
const supportOf = (filter: ResampleFilter) =>
  filter === 'nearest' || filter === 'box' ? 0.5 : KERNELS[filter].support;

/** The sources of one output: from the first on, weights that sum to 1. */
type Visit = (output: number, first: number, weights: Float64Array) => void;

/**
 * Visits the sources of each of `to` outputs over `length` inputs. When reducing, the filter is as much wider, so that
 * nothing is skipped (antialiasing). Reference: Pillow, src/libImaging/Resample.c, and Geometry.c for nearest.
 */
function eachOutput(
  length: number,
  to: number,
  filter: ResampleFilter,
  kernels: Readonly<Record<ResampleFilter, Filter>>,
  visit: Visit,
): void {
  const scale = length / to;
  if (filter === 'nearest') {
    // Added up as Pillow does: at whole numbers the last digit decides.
    for (let i = 0, at = scale * 0.5; i < to; i++, at += scale) visit(i, Math.trunc(at), ONE_SOURCE);
    return;
  }
  const kernel = kernels[filter];
  const widening = Math.max(scale, 1);
  const reach = supportOf(filter) * widening;
  const weights = new Float64Array(2 * Math.ceil(reach) + 2);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    // A crop is an image of its own: what lies beyond it does not count.
    const from = Math.max(0, Math.trunc(center - reach + 0.5));
    const count = Math.min(length, Math.trunc(center + reach + 0.5)) - from;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const weight = kernel((from + k - center + 0.5) * (1 / widening));
      weights[k] = weight;
      sum += weight;
    }
    for (let k = 0; k < count; k++) weights[k] = weights[k]! / sum;
    visit(i, from, weights.subarray(0, count));
  }
}

const ONE_SOURCE = Float64Array.of(1);

/** 1 as a weight of the fast kernels. */
const ONE = 2 ** 14;

/** The form that the fast kernels take, see `kernels/pixels.ts`. */
export interface PairedWeights {
  /** First source of each output. */
  readonly first: Int32Array;
  /** Where the pairs of each output begin, and, last, where they end. */
  readonly offset: Int32Array;
  /** Two weights a pair; those of one output sum to 2^14. */
  readonly pairs: Int16Array;
}

/** The weights of the sources of each of `to` outputs over [start, start + length). */
export function pairedWeights(
  start: number,
  length: number,
  to: number,
  filter: ResampleFilter,
): PairedWeights {
  const most = Math.ceil(2 * supportOf(filter) * Math.max(length / to, 1)) + 2;
  const first = new Int32Array(to);
  const offset = new Int32Array(to + 1);
  const pairs = new Int16Array(to * 2 * Math.ceil(most / 2));
  eachOutput(length, to, filter, TABULATED, (i, from, exact) => {
    const begin = 2 * offset[i]!;
    let left = ONE;
    let largest = begin;
    for (let k = 0; k < exact.length; k++) {
      const weight = Math.round(ONE * exact[k]!);
      pairs[begin + k] = weight;
      left -= weight;
      if (weight > pairs[largest]!) largest = begin + k;
    }
    // Weights that do not sum to one would change plain areas.
    pairs[largest]! += left;
    first[i] = start + from;
    offset[i + 1] = offset[i]! + Math.ceil(exact.length / 2);
  });
  return { first, offset, pairs: pairs.subarray(0, 2 * offset[to]!) };
}

/** Pillow's bits after the point. */
const EXACT_ONE = 2 ** 22;

/** The form that the exact kernels take, see `kernels/pixels.ts`. */
export interface ExactWeights {
  /** First source of each output. */
  readonly first: Int32Array;
  /** Where the weights of each output begin, and, last, where they end. */
  readonly offset: Int32Array;
  /** Pillow's integers, 22 bits after the point. */
  readonly weights: Int32Array;
}

/**
 * Of `to` outputs over `length` inputs, the weights of `count` outputs from `start` on; those before the first and after the
 * last have no sources, and so are 0.
 */
export function exactWeights(
  length: number,
  to: number,
  filter: ResampleFilter,
  start: number,
  count: number,
): ExactWeights {
  const first = new Int32Array(count);
  const offset = new Int32Array(count + 1);
  const weights: number[] = [];
  eachOutput(length, to, filter, EXACT, (output, from, exact) => {
    const i = output - start;
    if (i < 0 || i >= count) return;
    first[i] = from;
    // Half away from zero, as Pillow rounds.
    for (const weight of exact) weights.push(Math.trunc(weight * EXACT_ONE + (weight < 0 ? -0.5 : 0.5)));
    offset[i + 1] = weights.length;
  });
  for (let i = 0; i < count; i++) offset[i + 1] = Math.max(offset[i]!, offset[i + 1]!);
  return { first, offset, weights: Int32Array.from(weights) };
}
