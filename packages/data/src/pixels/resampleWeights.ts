/** Filters as Pillow has them: the cubic with a = -0.5, and Lanczos with three lobes. */
export type ResampleFilter = 'bicubic' | 'bilinear' | 'lanczos' | 'box';

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
/** A symmetric function that is 0 from `reach` on, between 1024 values per unit by interpolation: to within 1e-6 here. */
function tabulated(f: (x: number) => number, reach: number): (x: number) => number {
  const PER_UNIT = 1024;
  const table = Float64Array.from({ length: reach * PER_UNIT + 1 }, (_, i) => f(i / PER_UNIT));
  return (x) => {
    const position = Math.abs(x) * PER_UNIT;
    const below = Math.trunc(position);
    if (below >= reach * PER_UNIT) return 0;
    return table[below]! + (position - below) * (table[below + 1]! - table[below]!);
  };
}
const KERNELS: Readonly<Record<ResampleFilter, { readonly support: number; kernel(x: number): number }>> = {
  bicubic: {
    support: 2,
    kernel: tabulated((x) => {
      const a = -0.5;
      return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
    }, 2),
  },
  bilinear: { support: 1, kernel: tabulated((x) => 1 - x, 1) },
  lanczos: { support: 3, kernel: tabulated((x) => sinc(x) * sinc(x / 3), 3) },
  box: { support: 0.5, kernel: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
};

/** 1 as a weight. */
const ONE = 2 ** 14;

/** The form that the kernels take, see `kernels/pixels.ts`. */
export interface ResampleWeights {
  /** First source of each output. */
  readonly first: Int32Array;
  /** Where the pairs of each output begin, and, last, where they end. */
  readonly offset: Int32Array;
  /** Two weights a pair; those of one output sum to 2^14. */
  readonly pairs: Int16Array;
}

/**
 * The weights of the sources of each of `to` outputs over [start, start + length). When reducing, the filter is as much
 * wider, so that nothing is skipped (antialiasing). Reference: Pillow, src/libImaging/Resample.c.
 */
export function resampleWeights(
  start: number,
  length: number,
  to: number,
  filter: ResampleFilter,
): ResampleWeights {
  const { support, kernel } = KERNELS[filter];
  const scale = length / to;
  const widening = Math.max(scale, 1);
  const reach = support * widening;
  const most = Math.ceil(2 * reach) + 2;
  const first = new Int32Array(to);
  const offset = new Int32Array(to + 1);
  const pairs = new Int16Array(to * 2 * Math.ceil(most / 2));
  const exact = new Float64Array(most);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    // A crop is an image of its own: what lies beyond it does not count.
    const from = Math.max(0, Math.trunc(center - reach + 0.5));
    const until = Math.min(length, Math.trunc(center + reach + 0.5));
    let sum = 0;
    for (let k = from; k < until; k++) {
      const weight = kernel((k - center + 0.5) / widening);
      exact[k - from] = weight;
      sum += weight;
    }
    const begin = 2 * offset[i]!;
    let left = ONE;
    let largest = begin;
    for (let k = 0; k < until - from; k++) {
      const weight = Math.round((ONE * exact[k]!) / sum);
      pairs[begin + k] = weight;
      left -= weight;
      if (weight > pairs[largest]!) largest = begin + k;
    }
    // Weights that do not sum to one would change plain areas.
    pairs[largest]! += left;
    first[i] = start + from;
    offset[i + 1] = offset[i]! + Math.ceil((until - from) / 2);
  }
  return { first, offset, pairs: pairs.subarray(0, 2 * offset[to]!) };
}
