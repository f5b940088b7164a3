import { BEIT_COLOR_JITTER, BEIT_CROP, IMAGENET_NORMALIZATION, INCEPTION_NORMALIZATION } from '@beit/data';
import { DALL_E } from '@beit/dvae';
import { BEIT_BASE_PATCH16_224, BEIT_LARGE_PATCH16_224 } from '@beit/vit';
import type { PretrainRecipe } from './recipe';

/**
 * The default: both stages on the embedded emoji, small enough for a laptop.
 *   npm start
 * About 10 minutes on 2 CPU cores. The proportions are the paper's: the tokenizer sees the same crop at half the
 * side, a token is one patch, 40 percent of the patches are masked in blocks.
 */
const EMOJI: PretrainRecipe = {
  name: 'emoji',
  about: 'A small BEiT on the embedded emoji: 64x64 pixels, 8x8 patches',
  evidence: 'trained here',
  data: { kind: 'emoji', size: 96 },
  views: {
    tokenImageSize: 32,
    normalization: INCEPTION_NORMALIZATION,
    background: 'pastel',
    // Crops below a third of these small pictures would show a few blurred pixels.
    crop: { ...BEIT_CROP, scale: [0.35, 1] },
    colorJitter: BEIT_COLOR_JITTER,
    flip: 0.5,
  },
  tokenizer: {
    model: { vocabSize: 512, hiddenDim: 32, decoderInitDim: 32, numGroups: 3, blocksPerGroup: 2 },
    batchSize: 32,
    microBatchSize: 32,
    epochs: 8,
    learningRate: [4e-3, 5e-5],
    learningRateDecay: 1,
    warmupSteps: 20,
    betas: [0.9, 0.999],
    weightDecay: 1e-4,
    clipNorm: 4,
    klWeight: 0.3,
    klWarmup: 0.25,
    finalTemperature: 1 / 16,
    temperatureDecay: 0.7,
    usageWeight: 0.1,
  },
  mim: {
    target: 'tokens',
    model: { imageSize: 64, patchSize: 8, embedDim: 128, depth: 4, numHeads: 4, mlpRatio: 4 },
    masking: { kind: 'blockwise', gridSize: 8, numMaskingPatches: 26, minNumPatches: 4 },
    batchSize: 64,
    microBatchSize: 64,
    epochs: 16,
    warmupEpochs: 2,
    learningRate: 1.5e-3,
    minLearningRate: 1e-5,
    betas: [0.9, 0.98],
    weightDecay: 0.05,
    clipNorm: 3,
  },
  seed: 0,
};

/**
 * CIFAR-10, 50,000 photographs of 32x32 pixels: 4x4 patches, of which a token is one. The pictures are small enough for
 * the tokenizer to see them whole.
 *   pnpm --filter shards start -- cifar cifar-10-batches-py --out cifar10
 *   pnpm --filter pretrain start -- --recipe cifar10 --data cifar10
 */
const CIFAR10: PretrainRecipe = {
  ...EMOJI,
  name: 'cifar10',
  about: 'A small BEiT on CIFAR-10: 32x32 pixels, 4x4 patches',
  evidence: 'none',
  data: { kind: 'folder' },
  views: {
    ...EMOJI.views,
    background: 'white',
    // Smaller crops would show a few pixels.
    crop: { ...BEIT_CROP, scale: [0.4, 1] },
  },
  tokenizer: { ...EMOJI.tokenizer, batchSize: 64, microBatchSize: 64, epochs: 4, warmupSteps: 200 },
  mim: {
    ...EMOJI.mim,
    model: { imageSize: 32, patchSize: 4, embedDim: 128, depth: 6, numHeads: 4, mlpRatio: 4 },
    batchSize: 128,
    microBatchSize: 128,
    epochs: 50,
    warmupEpochs: 5,
    learningRate: 2e-3,
  },
};

/** Appendix A.2 of the DALL-E paper. Batches of 512; 3,000,000 updates in all, about 1,200 epochs of ImageNet-1k. */
const DALL_E_TOKENIZER: PretrainRecipe['tokenizer'] = {
  model: DALL_E,
  batchSize: 512,
  microBatchSize: 8,
  epochs: 1200,
  learningRate: [1e-4, 1.25e-6],
  learningRateDecay: 1_200_000 / 3_000_000,
  warmupSteps: 0,
  betas: [0.9, 0.999],
  weightDecay: 1e-4,
  klWeight: 6.6,
  klWarmup: 5_000 / 3_000_000,
  finalTemperature: 1 / 16,
  temperatureDecay: 150_000 / 3_000_000,
  usageWeight: 0,
};

/**
 * BEiT-B/16 on ImageNet-1k, 800 epochs: table 12 of the paper, plain ViT with absolute positions.
 *   pnpm --filter pretrain start -- --recipe beit-base-imagenet1k --data ILSVRC2012/train --tokenizer dvae.safetensors
 * The paper's took 5 days on 16 GPUs of 32 GB, with DALL-E's tokenizer; fine-tuned to 83.2 % top-1.
 */
const BEIT_BASE_IMAGENET1K: PretrainRecipe = {
  name: 'beit-base-imagenet1k',
  about: 'BEiT-B/16, 224x224, ImageNet-1k, 800 epochs (the paper, table 12)',
  evidence: 'shapes checked',
  data: { kind: 'folder' },
  views: {
    tokenImageSize: 112,
    normalization: IMAGENET_NORMALIZATION,
    background: 'white',
    crop: BEIT_CROP,
    colorJitter: BEIT_COLOR_JITTER,
    flip: 0.5,
  },
  tokenizer: DALL_E_TOKENIZER,
  mim: {
    target: 'tokens',
    model: BEIT_BASE_PATCH16_224,
    masking: { kind: 'blockwise', gridSize: 14, numMaskingPatches: 75, minNumPatches: 16 },
    batchSize: 2048,
    microBatchSize: 8,
    epochs: 800,
    warmupEpochs: 10,
    learningRate: 1.5e-3,
    minLearningRate: 1e-5,
    betas: [0.9, 0.999],
    weightDecay: 0.05,
    clipNorm: 3,
  },
  seed: 0,
};

/** BEiT-L/16 likewise: clipping at 1.0 (table 12). Fine-tuned to 85.2 %. */
const BEIT_LARGE_IMAGENET1K: PretrainRecipe = {
  ...BEIT_BASE_IMAGENET1K,
  name: 'beit-large-imagenet1k',
  about: 'BEiT-L/16, 224x224, ImageNet-1k, 800 epochs (the paper, table 12)',
  mim: { ...BEIT_BASE_IMAGENET1K.mim, model: BEIT_LARGE_PATCH16_224, clipNorm: 1 },
};

export const RECIPES: readonly PretrainRecipe[] = [
  EMOJI,
  CIFAR10,
  BEIT_BASE_IMAGENET1K,
  BEIT_LARGE_IMAGENET1K,
];
