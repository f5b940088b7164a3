import type { VitConfig } from './vitConfig';

/**
 * The architectures of the paper (section 3, plain ViT with absolute positions). The released "BEiT+" models are
 * these with `RELEASED_PRETRAIN` or `RELEASED_FINETUNE` spread over them.
 */
export const BEIT_BASE_PATCH16_224 = {
  imageSize: 224,
  patchSize: 16,
  embedDim: 768,
  depth: 12,
  numHeads: 12,
  mlpRatio: 4,
  dropPathRate: 0.1,
} as const satisfies VitConfig;
export const BEIT_BASE_PATCH16_384 = {
  ...BEIT_BASE_PATCH16_224,
  imageSize: 384,
} as const satisfies VitConfig;

export const BEIT_LARGE_PATCH16_224 = {
  ...BEIT_BASE_PATCH16_224,
  embedDim: 1024,
  depth: 24,
  numHeads: 16,
} as const satisfies VitConfig;
export const BEIT_LARGE_PATCH16_384 = {
  ...BEIT_LARGE_PATCH16_224,
  imageSize: 384,
} as const satisfies VitConfig;
export const BEIT_LARGE_PATCH16_512 = {
  ...BEIT_LARGE_PATCH16_224,
  imageSize: 512,
} as const satisfies VitConfig;

/** Not in the paper: the widths and depths of DeiT-Ti and DeiT-S (arXiv 2012.12877, table 1). */
export const BEIT_TINY_PATCH16_224 = {
  ...BEIT_BASE_PATCH16_224,
  embedDim: 192,
  numHeads: 3,
} as const satisfies VitConfig;
export const BEIT_SMALL_PATCH16_224 = {
  ...BEIT_BASE_PATCH16_224,
  embedDim: 384,
  numHeads: 6,
} as const satisfies VitConfig;

/** What the released base models add when pre-training (appendix A of the paper; large: layerScaleInit 1e-5). */
export const RELEASED_PRETRAIN = {
  useAbsPosEmb: false,
  useSharedRelPosBias: true,
  layerScaleInit: 0.1,
} as const satisfies Partial<VitConfig>;
/** And when fine-tuning: a bias per block, begun as copies of the shared one (`unshareRelativePositionBias`). */
export const RELEASED_FINETUNE = {
  useAbsPosEmb: false,
  useRelPosBias: true,
  layerScaleInit: 0.1,
} as const satisfies Partial<VitConfig>;
