import { createRandom } from '@beit/random';

/** Where random numbers come from: a `Random` of `createRandom`, or `{ uniform: Math.random }`. */
export interface UniformSource {
  /** A number in [0, 1). */
  uniform(): number;
}

/** Makes the masks of one configuration. */
export interface MaskGenerator {
  /** Patch grid, rows and columns. */
  readonly gridSize: readonly [rows: number, columns: number];
  /** No mask has more masked patches than this; the width of `toMaskedPositions`. */
  readonly maxMasked: number;
  /**
   * One mask, `[rows * columns]`, row-major, 1 = masked, never empty.
   *
   * @param random a source of uniform numbers, or a seed: the same seed gives the same mask.
   * @param out where to write the mask instead of into a new array; of length rows * columns.
   * @throws RangeError when `out` has another length.
   */
  generate(random: UniformSource | number, out?: Uint8Array): Uint8Array;
}

/** The source that a caller of `generate` meant. */
export function toUniformSource(random: UniformSource | number): UniformSource {
  return typeof random === 'number' ? createRandom('mask', random) : random;
}

/** The array that a caller of `generate` meant; it may hold anything. */
export function toOutput(out: Uint8Array | undefined, cells: number): Uint8Array {
  if (out === undefined) return new Uint8Array(cells);
  if (out.length !== cells) {
    throw new RangeError(
      `out has length ${out.length}; give a Uint8Array of length ${cells}, one per patch.`,
    );
  }
  return out;
}
