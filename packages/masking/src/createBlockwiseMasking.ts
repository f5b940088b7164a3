/**
 * Blockwise masking: hide whole rectangles of patches until a budget is spent.
 *
 * Paper      BEiT, section 2.3 and Algorithm 1, https://arxiv.org/abs/2106.08254v2
 * Reference  microsoft/unilm beit/masking_generator.py and beit2/masking_generator.py at 768a3c87
 * Differs    random numbers come from the caller; a mask is never empty; see README.md
 */
import { type BitGrid, countBlock, createBitGrid, fillBlock, writeBytes } from './bitGrid';
import { type BlockLimits, between, placeIn, roundHalfEven, someBlockFits } from './blockShape';
import { type GridTarget, resolveGridTarget } from './gridTarget';
import { type MaskGenerator, toOutput, toUniformSource, type UniformSource } from './maskGenerator';
import { maskRandomCells } from './maskRandomCells';

/**
 * When a mask is finished.
 *
 * - `official`: as BEiT's code. Never more than asked; stops short when `attempts` blocks in a row do not fit.
 * - `exact`: as BEiT v2's code. `official`, then single random patches up to exactly the number asked.
 * - `paper`: as Algorithm 1. Blocks until more than asked are masked; the aspect is uniform, not log-uniform.
 */
export type StopRule = 'official' | 'exact' | 'paper';

export interface BlockwiseMaskingOptions extends GridTarget {
  /** Smallest area that is drawn for a block, in patches. Default 16, as in BEiT's runs. */
  readonly minNumPatches?: number;
  /** Largest area that is drawn for a block, in patches. Default: no limit but the patches still missing. */
  readonly maxNumPatches?: number;
  /** Smallest height / width of a block. Default 0.3. */
  readonly minAspect?: number;
  /** Largest height / width of a block. Default 1 / minAspect. */
  readonly maxAspect?: number;
  /** How many blocks in a row may be refused before `official` and `exact` give up. Default 10. */
  readonly attempts?: number;
  /** When a mask is finished. Default `official`. */
  readonly stopRule?: StopRule;
}

// Rounds of `attempts` blocks for the first one, and blocks in all for Algorithm 1: bounds on loops that would
// not end in a grid where a block almost never fits.
const FIRST_BLOCK_ROUNDS = 1000;
const PAPER_BLOCKS = 100_000;

/**
 * Makes a generator of blockwise masks.
 *
 * @example createBlockwiseMasking({ gridSize: 14, numMaskingPatches: 75 }).generate(42)
 * @throws RangeError when an option is out of range or no block can ever fit; the message says what to change.
 */
export function createBlockwiseMasking(options: BlockwiseMaskingOptions): MaskGenerator {
  const { rows, columns, count, attempts, stopRule, limits } = resolveOptions(options);
  const grid = createBitGrid(rows, columns);
  const gridSize = [rows, columns] as const;
  if (stopRule === 'paper') {
    return {
      gridSize,
      maxMasked: Math.min(rows * columns, count + largestOvershoot(limits)),
      generate(random, out) {
        const mask = toOutput(out, rows * columns);
        grid.words.fill(0);
        placeUntilExceeded(grid, count, limits, toUniformSource(random));
        writeBytes(grid, mask);
        return mask;
      },
    };
  }
  return {
    gridSize,
    maxMasked: count,
    generate(random, out) {
      const mask = toOutput(out, rows * columns);
      const source = toUniformSource(random);
      grid.words.fill(0);
      const masked = placeUntilRefused(grid, count, limits, attempts, source);
      writeBytes(grid, mask);
      if (stopRule === 'exact') maskRandomCells(mask, count - masked, source);
      return mask;
    },
  };
}

/** The loop of the official generator. Returns how many cells are masked, from 1 to `count`. */
function placeUntilRefused(
  grid: BitGrid,
  count: number,
  limits: BlockLimits,
  attempts: number,
  source: UniformSource,
): number {
  let masked = 0;
  for (let round = 0; masked === 0 && round < FIRST_BLOCK_ROUNDS; round++) {
    masked = placeBlock(grid, Math.min(count, limits.maxArea), limits, attempts, source);
  }
  if (masked === 0) {
    throw new RangeError(
      `No block fitted in ${FIRST_BLOCK_ROUNDS * attempts} attempts: raise numMaskingPatches (${count}), ` +
        `lower minNumPatches (${limits.minArea}), or widen the range of aspects.`,
    );
  }
  while (masked < count) {
    const added = placeBlock(grid, Math.min(count - masked, limits.maxArea), limits, attempts, source);
    if (added === 0) break;
    masked += added;
  }
  return masked;
}

/** Masks one block that adds at least one cell and at most `cap`. Returns how many, 0 if no attempt did. */
function placeBlock(
  grid: BitGrid,
  cap: number,
  limits: BlockLimits,
  attempts: number,
  source: UniformSource,
): number {
  const { minArea, maxHeight, maxWidth, minLogAspect, maxLogAspect } = limits;
  for (let attempt = 0; attempt < attempts; attempt++) {
    // When fewer patches are missing than the smallest area, the ends are in reverse order, as in the reference.
    const area = between(source, minArea, cap);
    const aspect = Math.exp(between(source, minLogAspect, maxLogAspect));
    const height = roundHalfEven(Math.sqrt(area * aspect));
    const width = roundHalfEven(Math.sqrt(area / aspect));
    if (height > maxHeight || width > maxWidth) continue;
    const top = placeIn(source, grid.rows, height);
    const left = placeIn(source, grid.columns, width);
    const added = height * width - countBlock(grid, top, left, height, width);
    if (added > 0 && added <= cap) {
      fillBlock(grid, top, left, height, width);
      return added;
    }
  }
  return 0;
}

/** The loop of Algorithm 1: blocks, with the aspect drawn uniformly, until more than `count` are masked. */
function placeUntilExceeded(grid: BitGrid, count: number, limits: BlockLimits, source: UniformSource): void {
  let masked = 0;
  for (let block = 0; masked <= count; block++) {
    if (block === PAPER_BLOCKS) {
      throw new RangeError(
        `${PAPER_BLOCKS} blocks did not mask more than ${count} patches: lower numMaskingPatches, ` +
          "or use stopRule 'exact'.",
      );
    }
    const area = between(source, limits.minArea, Math.min(count - masked, limits.maxArea));
    const aspect = between(source, limits.minAspect, limits.maxAspect);
    const height = roundHalfEven(Math.sqrt(area * aspect));
    const width = roundHalfEven(Math.sqrt(area / aspect));
    if (height > limits.maxHeight || width > limits.maxWidth) continue;
    const top = placeIn(source, grid.rows, height);
    const left = placeIn(source, grid.columns, width);
    masked += height * width - countBlock(grid, top, left, height, width);
    fillBlock(grid, top, left, height, width);
  }
}

/** How many cells more than asked Algorithm 1 can mask, apart from the size of the grid. */
function largestOvershoot(limits: BlockLimits): number {
  const { minArea, maxArea, minAspect, maxAspect } = limits;
  const extreme = Math.max(maxAspect, 1 / minAspect);
  // Rounding adds at most half a cell to each side: (h + 1/2)(w + 1/2) with h * w = area.
  const cells = (area: number) => area + (Math.sqrt(area * extreme) + Math.sqrt(area / extreme)) / 2 + 0.25;
  // The last block starts with at least 0 cells missing, and draws its area between these and minArea.
  return Math.floor(Math.max(cells(minArea), cells(maxArea) - maxArea));
}

interface ResolvedOptions {
  readonly rows: number;
  readonly columns: number;
  readonly count: number;
  readonly attempts: number;
  readonly stopRule: StopRule;
  readonly limits: BlockLimits;
}

const STOP_RULES: readonly StopRule[] = ['official', 'exact', 'paper'];

/** Fills in the defaults and refuses what cannot work. */
function resolveOptions(options: BlockwiseMaskingOptions): ResolvedOptions {
  const { rows, columns, count } = resolveGridTarget(options);
  const {
    minNumPatches = 16,
    maxNumPatches,
    minAspect = 0.3,
    attempts = 10,
    stopRule = 'official',
  } = options;
  if (!STOP_RULES.includes(stopRule)) {
    throw new RangeError(`stopRule ${stopRule} is unknown: give one of ${STOP_RULES.join(', ')}.`);
  }
  for (const [name, value] of Object.entries({ minNumPatches, maxNumPatches, attempts })) {
    if (value !== undefined && (!Number.isInteger(value) || value < 1)) {
      throw new RangeError(`${name} ${value} is not possible: give a whole number of at least 1.`);
    }
  }
  if (count < minNumPatches) {
    throw new RangeError(
      `numMaskingPatches ${count} is below minNumPatches ${minNumPatches}, so many masks would stay empty (and ` +
        `the loss become NaN): lower minNumPatches to at most ${count}, or raise the number of masked patches.`,
    );
  }
  if (maxNumPatches !== undefined && maxNumPatches < minNumPatches) {
    throw new RangeError(
      `maxNumPatches ${maxNumPatches} is below minNumPatches ${minNumPatches}: raise it or lower minNumPatches.`,
    );
  }
  if (!(minAspect > 0 && Number.isFinite(minAspect))) {
    throw new RangeError(`minAspect ${minAspect} is not a ratio of height to width: give a number above 0.`);
  }
  const maxAspect = options.maxAspect ?? 1 / minAspect;
  if (!(maxAspect >= minAspect && Number.isFinite(maxAspect))) {
    throw new RangeError(
      `maxAspect ${maxAspect}${options.maxAspect === undefined ? ' (1 / minAspect)' : ''} must be a number of ` +
        `at least minAspect ${minAspect}: change either.`,
    );
  }
  if (stopRule === 'paper' && count === rows * columns) {
    throw new RangeError(
      `stopRule 'paper' masks more than numMaskingPatches ${count}, but the grid has no more: lower it.`,
    );
  }
  const paper = stopRule === 'paper';
  const limits: BlockLimits = {
    minArea: minNumPatches,
    maxArea: Math.min(maxNumPatches ?? count, count),
    minAspect,
    maxAspect,
    minLogAspect: Math.log(minAspect),
    maxLogAspect: Math.log(maxAspect),
    // The reference refuses a block as high or as wide as the grid, and one that would mask more than is asked
    // after its sides are rounded; Algorithm 1 does neither.
    maxCells: paper ? rows * columns : Math.min(maxNumPatches ?? count, count),
    maxHeight: paper ? rows : rows - 1,
    maxWidth: paper ? columns : columns - 1,
  };
  if (!someBlockFits(limits)) {
    throw new RangeError(
      `No block of ${limits.minArea} to ${limits.maxArea} patches with an aspect from ${minAspect} to ` +
        `${maxAspect} fits into ${limits.maxHeight} x ${limits.maxWidth} patches of the grid ` +
        `[${rows}, ${columns}]: lower minNumPatches, raise maxNumPatches or numMaskingPatches, or widen the ` +
        'range of aspects.',
    );
  }
  return { rows, columns, count, attempts, stopRule, limits };
}
