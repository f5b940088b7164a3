import { createSegmenter, type Segmenter, type SegmenterHead } from '@beit/segmentation';
import { createVit, type Vit, type VitConfig } from '@beit/vit';

export interface Model {
  readonly vit: Vit;
  readonly segmenter: Segmenter;
}

/** The network of a recipe, or of a trained segmenter, for so many classes. */
export function createModel(
  { model, head }: { readonly model: VitConfig; readonly head: SegmenterHead },
  numClasses: number,
): Model {
  const vit = createVit(model);
  // Weights as fine-tuning code draws them; with a checkpoint only those of the heads stay.
  const backbone = { ...vit, init: (random: Parameters<Vit['init']>[0]) => vit.init(random, 'finetune') };
  return { vit, segmenter: createSegmenter({ backbone, numClasses, head }) };
}

/** Used in training alone. */
export const isAuxiliary = (name: string): boolean => name.startsWith('auxiliary_head.');
/** Begun anew for other classes. */
export const isHead = (name: string): boolean =>
  /^(decode_head|neck|fpn[12])\./.test(name) || isAuxiliary(name);
/** An encoder has them, and no segmenter asks for them. */
export const isUnused = (name: string): boolean => /^(norm\.|mask_token$)/.test(name);
