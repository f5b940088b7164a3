export { createRandom, type Random } from '@beit/random';
export {
  type BlockwiseMaskingOptions,
  createBlockwiseMasking,
  type StopRule,
} from './createBlockwiseMasking';
export { createRandomMasking } from './createRandomMasking';
export type { GridTarget } from './gridTarget';
export type { MaskGenerator, UniformSource } from './maskGenerator';
export { type MaskedPositions, toMaskedPositions } from './toMaskedPositions';
