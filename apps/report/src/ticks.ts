// Our own: with d3-array, d3-scale and d3-shape this file and lineChart.ts were 215 lines instead of 248, for 15 packages,
// and logarithmic axes needed the thinning below all the same: `scaleLog([1e-6, 1e-3], [0, 1]).ticks(5)` are 28.

/**
 * About `count` round values (1, 2 or 5 times a power of ten apart) that lie in `[min, max]`; finite, ascending.
 * Paul Heckbert, "Nice numbers for graph labels", Graphics Gems (1990).
 */
export function niceTicks(min: number, max: number, count = 5): number[] {
  if (!(Number.isFinite(min) && Number.isFinite(max))) return [];
  if (!(max > min)) return [min];
  const step = niceStep((max - min) / Math.max(1, count));
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => cleaned((first + i) * step));
}

/** The powers of ten in `[min, max]` (both above 0), thinned to at most `count`; where there are fewer than two, 1-2-5 steps. */
export function logTicks(min: number, max: number, count = 5): number[] {
  if (!(min > 0 && Number.isFinite(max) && max >= min)) return [];
  const from = Math.ceil(Math.log10(min) - 1e-9);
  const to = Math.floor(Math.log10(max) + 1e-9);
  if (to - from >= 1) {
    const stride = Math.max(1, Math.ceil((to - from + 1) / count));
    return Array.from({ length: Math.floor((to - from) / stride) + 1 }, (_, i) =>
      cleaned(10 ** (from + i * stride)),
    );
  }
  const decade = Math.floor(Math.log10(min));
  const steps = [1, 2, 5, 10, 20, 50].map((factor) => cleaned(factor * 10 ** decade));
  const inside = steps.filter((tick) => tick >= min * (1 - 1e-9) && tick <= max * (1 + 1e-9));
  return inside.length >= 2 ? inside : niceTicks(min, max, count).filter((tick) => tick > 0);
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const fraction = rough / power;
  if (fraction < 1.5) return power;
  if (fraction < 3) return 2 * power;
  return fraction < 7 ? 5 * power : 10 * power;
}

// 3 * 0.1 is 0.30000000000000004, which nobody wants on an axis.
const cleaned = (value: number) => Number(value.toPrecision(12)) + 0;
