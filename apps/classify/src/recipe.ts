import type { MixConfig, Pooling } from '@beit/classification';
import type { Augmentation, Background, Normalization } from '@beit/data';
import type { VitConfig } from '@beit/vit';

/** How images become what the model sees. */
export interface Views {
  readonly normalization: Normalization;
  readonly background: Background;
  /** In training. */
  readonly augmentation: Augmentation;
  /** In evaluation: side of the central square as a share of the shorter side, (0, 1]. */
  readonly cropShare: number;
}

export interface FinetuneRecipe {
  readonly name: string;
  /** What it is, where its numbers are from, and what was reached with it. */
  readonly about: string;
  readonly evidence: 'trained here' | 'shapes checked';
  /**
   * `emoji`: the subgroups of the embedded data set that have at least `imagesPerClass[0]` different emoji, of each at
   * most `imagesPerClass[1]`, decoded to `size` pixels; `folder` needs `--data`.
   */
  readonly data:
    | {
        readonly kind: 'emoji';
        readonly size: number;
        readonly imagesPerClass: readonly [number, number];
        readonly heldOutShare: number;
      }
    | { readonly kind: 'folder' };
  /** Whether training begins with a checkpoint, or with random parameters. */
  readonly start: 'checkpoint' | 'scratch';
  readonly model: VitConfig;
  readonly pooling: Pooling;
  readonly views: Views;
  /** Times that an image comes in one epoch, each time augmented otherwise; the epoch is not longer for it. */
  readonly repeats: number;
  readonly mix?: MixConfig;
  readonly labelSmoothing: number;
  /** Images per step, in micro-batches of at most `microBatchSize`. */
  readonly batchSize: number;
  readonly microBatchSize: number;
  /** May be a fraction; the steps are whole. */
  readonly epochs: number;
  readonly warmupEpochs: number;
  readonly learningRate: number;
  readonly minLearningRate: number;
  /** Factor on the learning rate from one layer to the one below; 1 for none. */
  readonly layerDecay: number;
  readonly betas: readonly [number, number];
  readonly weightDecay: number;
  readonly clipNorm?: number;
  /** Of the moving average of the parameters; left out: no average. */
  readonly emaDecay?: number;
  readonly seed: number;
}
