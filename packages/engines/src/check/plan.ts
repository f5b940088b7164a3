import type { Precision } from '@beit/compile';
import type { PjrtDevice } from '@beit/installed';
import { BEIT_BASE_PATCH16_224 } from '@beit/vit';
import type { CheckOptions } from './options';
import type { Growth } from './parts/growBatch';
import type { Pretraining } from './parts/pretraining';

/** What is measured, and at which sizes. */
export interface Plan {
  /** The step, in words. */
  readonly model: string;
  readonly task: Pretraining;
  readonly growth: Omit<Growth, 'seconds'>;
  /** Of which the numbers are compared, not the time. */
  readonly comparedTask: Pretraining;
  readonly comparedBatch: number;
  readonly precisions: readonly Precision[];
  /** Of `precisions`, those in which a checkpoint is written. */
  readonly resumed: readonly Precision[];
  /** Which fixtures take part, by name. */
  readonly takes: (fixture: string) => boolean;
}

const BASE: Pretraining = { model: BEIT_BASE_PATCH16_224, vocabSize: 8192, numMasked: 75 };
const COMPARED: Pretraining = { ...BASE, model: { ...BASE.model, embedDim: 192, depth: 4, numHeads: 3 } };
const SMALL: Pretraining = {
  model: { imageSize: 64, patchSize: 16, embedDim: 64, depth: 1, numHeads: 2, dropPathRate: 0.1 },
  vocabSize: 512,
  numMasked: 6,
};

export function planOf({ small, maxBatch, precision }: CheckOptions, device: PjrtDevice): Plan {
  const there: readonly Precision[] = device === 'cuda' ? ['fp32', 'tf32', 'bf16'] : ['fp32', 'bf16'];
  const precisions = precision === undefined ? there : [precision];
  const most = maxBatch ?? (small ? 4 : device === 'cpu' ? 32 : 4096);
  const growth = { first: Math.min(small ? 2 : 8, most), most };
  if (small) {
    return {
      model: 'a small transformer, 64×64, 6 of 16 patches masked, 512 visual tokens',
      task: SMALL,
      growth,
      comparedTask: SMALL,
      comparedBatch: 4,
      precisions,
      resumed: precisions.slice(0, 1),
      takes: (fixture) => /^(?:mim-rel|adamw)\b/.test(fixture),
    };
  }
  return {
    model: 'ViT-B/16 pre-training, 224×224, 75 of 196 patches masked, 8192 visual tokens',
    task: BASE,
    growth,
    comparedTask: COMPARED,
    comparedBatch: 8,
    precisions,
    // TF32 is float32 but for a rounding inside products.
    resumed: precisions.filter((one) => one !== 'tf32' || precisions.length === 1),
    takes: () => true,
  };
}
