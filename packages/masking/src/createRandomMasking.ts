import { type GridTarget, resolveGridTarget } from './gridTarget';
import { type MaskGenerator, toOutput, toUniformSource } from './maskGenerator';
import { maskRandomCells } from './maskRandomCells';

/**
 * Random masking: exactly the asked number of patches, each choice of patches equally likely. The paper's
 * ablation compares blockwise masking with it (BEiT, section 3.3, table 4).
 *
 * @throws RangeError when the options leave no mask to make; the message says what to change.
 */
export function createRandomMasking(options: GridTarget): MaskGenerator {
  const { rows, columns, count } = resolveGridTarget(options);
  return {
    gridSize: [rows, columns],
    maxMasked: count,
    generate(random, out) {
      const mask = toOutput(out, rows * columns).fill(0);
      maskRandomCells(mask, count, toUniformSource(random));
      return mask;
    },
  };
}
