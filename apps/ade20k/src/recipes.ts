import { ADE20K_DISTORTION, ADE20K_SCALE, IMAGENET_NORMALIZATION, INCEPTION_NORMALIZATION } from '@beit/data';
import { SETR_AUXILIARY_HEADS, UPERNET_BLOCKS } from '@beit/segmentation';
import { BEIT_BASE_PATCH16_224, BEIT_LARGE_PATCH16_224, RELEASED_FINETUNE } from '@beit/vit';
import type { SegmentRecipe } from './recipe';

/**
 * The default: the default pre-training run, on scenes of the embedded emoji; classes are their groups and the background.
 *   pnpm --filter ade20k start
 * The validation scenes are of emoji that neither the training scenes nor pre-training have.
 */
const EMOJI: SegmentRecipe = {
  name: 'emoji',
  about: 'A small BEiT on scenes of the embedded emoji: 64x64 windows of 192x144 pixels, 8x8 patches',
  evidence: 'trained here',
  // Objects are nearly as large in a window as in pre-training.
  data: { kind: 'scenes', training: 1200, validation: 200, width: 192, height: 144, heldOutShare: 0.1 },
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
  head: { kind: 'setr-pup', channels: 64, numConvs: 3, auxiliary: [] },
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
  // Few steps need a high rate, with less of it for the layers below.
  learningRate: 4e-3,
  layerDecay: 0.65,
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
  head: { kind: 'setr-pup', channels: 256, numConvs: 4, auxiliary: SETR_AUXILIARY_HEADS },
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

/**
 * BEiT-B/16 with UPerNet, pre-trained alone: configs/beit/upernet/upernet_beit_base_12_512_slide_160k_21ktoade20k.py of
 * microsoft/unilm beit/semantic_segmentation @768a3c8, without its dropout of 0.1 before the classifiers. Table 5 of the
 * paper reached 45.7 mIoU so.
 */
const BEIT_BASE_UPERNET: SegmentRecipe = {
  ...BEIT_BASE_SETR_PUP,
  name: 'beit-base-upernet-160k',
  about: 'BEiT-B/16, UPerNet, 512x512, ADE20K, 160,000 steps of 16 (the official code, pre-trained alone)',
  model: { ...BEIT_BASE_PATCH16_224, ...RELEASED_FINETUNE, imageSize: 512, dropPathRate: 0.1 },
  head: { kind: 'upernet', blocks: UPERNET_BLOCKS[12]!, channels: 768, auxiliary: [{ block: 7 }] },
  learningRate: 7e-4,
};

/** What the released model for ADE20K was trained with, from one that was fine-tuned on ImageNet-22k: 53.6 mIoU. */
const BEIT_BASE_UPERNET_640: SegmentRecipe = {
  ...BEIT_BASE_UPERNET,
  name: 'beit-base-upernet-640-160k',
  about: 'BEiT-B/16, UPerNet, 640x640, ADE20K, 160,000 steps of 16 (the released model, from ImageNet-22k)',
  model: { ...BEIT_BASE_UPERNET.model, imageSize: 640 },
  views: { ...BEIT_BASE_UPERNET.views, scale: [2560, 640], stride: 426 },
  learningRate: 3e-5,
  layerDecay: 0.9,
};

/** The large one: 56.7 mIoU. */
const BEIT_LARGE_UPERNET_640: SegmentRecipe = {
  ...BEIT_BASE_UPERNET_640,
  name: 'beit-large-upernet-640-160k',
  about: 'BEiT-L/16, UPerNet, 640x640, ADE20K, 160,000 steps of 16 (the released model, from ImageNet-22k)',
  model: {
    ...BEIT_LARGE_PATCH16_224,
    ...RELEASED_FINETUNE,
    layerScaleInit: 1e-6,
    imageSize: 640,
    dropPathRate: 0.2,
  },
  head: { kind: 'upernet', blocks: UPERNET_BLOCKS[24]!, channels: 1024, auxiliary: [{ block: 15 }] },
  microBatchSize: 1,
  learningRate: 2e-5,
  layerDecay: 0.95,
};

export const RECIPES: readonly SegmentRecipe[] = [
  EMOJI,
  BEIT_BASE_SETR_PUP,
  BEIT_BASE_UPERNET,
  BEIT_BASE_UPERNET_640,
  BEIT_LARGE_UPERNET_640,
];
