import {
  BEIT_COLOR_JITTER,
  BEIT_CROP,
  type ImageSource,
  INCEPTION_NORMALIZATION,
  type LoaderOptions,
} from '@beit/data';

/** BEiT's pre-training views of photographs. */
export const jpegLoader = (source: ImageSource, batchSize: number): LoaderOptions => ({
  source,
  batchSize,
  seed: 0,
  views: {
    imageSize: 224,
    tokenImageSize: 112,
    normalization: INCEPTION_NORMALIZATION,
    background: 'white',
    augmentation: { crop: BEIT_CROP, colorJitter: BEIT_COLOR_JITTER, flip: 0.5 },
  },
  masking: { kind: 'blockwise', gridSize: 14, numMaskingPatches: 75, minNumPatches: 16 },
});
