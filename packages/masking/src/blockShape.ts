import type { UniformSource } from './maskGenerator';

/** What a block may look like: areas in patches, sides in patches, aspect = height / width. */
export interface BlockLimits {
  readonly minArea: number;
  readonly maxArea: number;
  readonly minAspect: number;
  readonly maxAspect: number;
  /** Natural logarithms of the two, taken once. */
  readonly minLogAspect: number;
  readonly maxLogAspect: number;
  /** The most cells of the first block, after its sides are rounded. */
  readonly maxCells: number;
  readonly maxHeight: number;
  readonly maxWidth: number;
}

/**
 * Python's round(), for x from 0 to 2^31: a half goes to the even neighbour.
 *
 * From 2^52 on, doubles are whole numbers and sums are rounded to the nearest of them, halves to even (IEEE 754).
 * Math.round would take halves up, and is the slowest step of a draw.
 */
export function roundHalfEven(x: number): number {
  return (x + 2 ** 52 - 2 ** 52) | 0;
}

/** A number between two ends, in either order. */
export function between(source: UniformSource, from: number, to: number): number {
  return from + (to - from) * source.uniform();
}

/** A position at which a length fits into a room, every one equally likely. */
export function placeIn(source: UniformSource, room: number, length: number): number {
  return (source.uniform() * (room - length + 1)) | 0;
}

/**
 * Whether any block keeps within the limits once its sides are rounded.
 *
 * For sides of h and w cells the unrounded sides lie in a square around (h, w). In logarithms that is an
 * axis-parallel box, and the permitted areas and aspects are a box turned by 45 degrees. Two convex shapes
 * meet unless one of their edges' normals separates them (separating axes), and there are four: ln height,
 * ln width, their sum and their difference.
 */
export function someBlockFits(limits: BlockLimits): boolean {
  const { minArea, maxArea, minLogAspect, maxLogAspect, maxCells, maxHeight, maxWidth } = limits;
  const area: Interval = [Math.log(minArea), Math.log(maxArea)];
  const aspect: Interval = [minLogAspect, maxLogAspect];
  const height = scale(add(area, aspect), 0.5);
  const width = scale(add(area, scale(aspect, -1)), 0.5);
  for (let h = 1; h <= maxHeight; h++) {
    const boxHeight = roundsTo(h);
    if (!meet(boxHeight, height)) continue;
    for (let w = 1; w <= maxWidth && h * w <= maxCells; w++) {
      const boxWidth = roundsTo(w);
      const fits =
        meet(boxWidth, width) &&
        meet(add(boxHeight, boxWidth), area) &&
        meet(add(boxHeight, scale(boxWidth, -1)), aspect);
      if (fits) return true;
    }
  }
  return false;
}

type Interval = readonly [number, number];

const add = (a: Interval, b: Interval): Interval => [a[0] + b[0], a[1] + b[1]];
const scale = (a: Interval, factor: number): Interval =>
  factor < 0 ? [a[1] * factor, a[0] * factor] : [a[0] * factor, a[1] * factor];
// Logarithms of equal numbers may differ in their last digits.
const meet = (a: Interval, b: Interval): boolean => a[0] <= b[1] + 1e-12 && b[0] <= a[1] + 1e-12;
const roundsTo = (side: number): Interval => [Math.log(side - 0.5), Math.log(side + 0.5)];
