import { ADE20K_DISTORTION, ADE20K_SCALE, IMAGENET_NORMALIZATION, INCEPTION_NORMALIZATION } from '@beit/data';
import { SETR_AUXILIARY_HEADS } from '@beit/segmentation';
import { BEIT_BASE_PATCH16_224 } from '@beit/vit';
import type { SegmentRecipe } from './recipe';

/**
 * The default: the default pre-training run, on scenes of the embedded emoji; classes are their groups and the background.
 *   pnpm --filter ade20k start
 * The validation scenes are of emoji that neither the training scenes nor pre-training have.
 */
const EMOJI: SegmentRecipe = {
  name: 'emoji',
  about: 'A small BEiT on scenes of the embedded emoji: 64x64 windows of 128x96 pixels, 8x8 patches',
  evidence: 'shapes checked',
  data: { kind: 'scenes', training: 1200, validation: 200, width: 128, height: 96, heldOutShare: 0.1 },
  start: 'checkpoint',
  model: {
    imageSize: 64,
    patchSize: 8,
    embedDim: 128,
    depth: 4,
    numHeads: 4,
    mlpRatio: 4,
    dropPathRate: 0.1,
  },
  // From a patch of 8 pixels to pixels: three doublings.
  head: { channels: 64, numConvs: 3, auxiliary: [] },
  views: {
    normalization: INCEPTION_NORMALIZATION,
    ratio: [0.75, 1.5],
    categoryMaxRatio: 0.75,
    flip: 0.5,
    stride: 43,
  },
  average: 'labelled',
  batchSize: 16,
  microBatchSize: 16,
  steps: 1500,
  warmupSteps: 75,
  learningRate: 1e-3,
  layerDecay: 0.75,
  betas: [0.9, 0.999],
  weightDecay: 0.05,
  evaluateEvery: 150,
  seed: 0,
};

/**
 * BEiT-B/16 with SETR-PUP on ADE20K: table 14 of the paper, sections 2.6 and 3.2; the protocol is mmsegmentation's. The
 * paper does not say whether it had auxiliary heads; these are SETR's own.
 *   pnpm --filter ade20k start -- --recipe beit-base-setr-pup-160k --data ADEChallengeData2016 --checkpoint RUN_OR_FILE
 * The paper's reached 45.6 mIoU, and 47.7 with intermediate fine-tuning on ImageNet-1k.
 */
const BEIT_BASE_SETR_PUP: SegmentRecipe = {
  name: 'beit-base-setr-pup-160k',
  about: 'BEiT-B/16, SETR-PUP, 512x512, ADE20K, 160,000 steps of 16 (the paper, table 14)',
  evidence: 'shapes checked',
  data: { kind: 'folder' },
  start: 'checkpoint',
  model: { ...BEIT_BASE_PATCH16_224, imageSize: 512, dropPathRate: 0.1 },
  head: { channels: 256, numConvs: 4, auxiliary: SETR_AUXILIARY_HEADS },
  views: {
    normalization: IMAGENET_NORMALIZATION,
    scale: ADE20K_SCALE,
    ratio: [0.5, 2],
    categoryMaxRatio: 0.75,
    flip: 0.5,
    distortion: ADE20K_DISTORTION,
    stride: 341,
  },
  average: 'all',
  batchSize: 16,
  microBatchSize: 2,
  steps: 160_000,
  warmupSteps: 1500,
  learningRate: 1e-3,
  layerDecay: 0.65,
  betas: [0.9, 0.999],
  weightDecay: 0.05,
  evaluateEvery: 16_000,
  seed: 0,
};

export const RECIPES: readonly SegmentRecipe[] = [EMOJI, BEIT_BASE_SETR_PUP];
