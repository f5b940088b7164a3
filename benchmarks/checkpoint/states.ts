import { BEIT_BASE_PATCH16_224 } from '@beit/vit';

/** Whose state is saved. */
export const STATES = {
  emoji: {
    about: 'pre-training of the default recipe',
    model: { imageSize: 64, patchSize: 8, embedDim: 128, depth: 4, numHeads: 4 },
    vocabSize: 512,
  },
  base: { about: 'pre-training of ViT-B/16', model: BEIT_BASE_PATCH16_224, vocabSize: 8192 },
} as const;
