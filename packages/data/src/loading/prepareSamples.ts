import {
  type BlockwiseMaskingOptions,
  createBlockwiseMasking,
  createRandomMasking,
  type GridTarget,
  type MaskGenerator,
} from '@beit/masking';
import { createRandom } from '@beit/random';
import { withinShard } from '../shards/withinShard';
import type { ImageSource } from '../sources/source';
import { emptyViews, type TwoViewOptions, type TwoViews, twoViews, viewsAt } from '../views/twoViews';
import { eachReadable, type Unreadable } from './eachReadable';
import { withCanvas } from './withCanvas';

/** How patches are hidden: BEiT's blocks, or single patches for comparison. */
export type MaskingOptions =
  | ({ readonly kind: 'blockwise' } & BlockwiseMaskingOptions)
  | ({ readonly kind: 'random' } & GridTarget);

/** @throws RangeError for another kind, and as the generators */
export function createMasking({ kind, ...options }: MaskingOptions): MaskGenerator {
  if (kind === 'blockwise') return createBlockwiseMasking(options as BlockwiseMaskingOptions);
  if (kind === 'random') return createRandomMasking(options as GridTarget);
  throw new RangeError(`masking.kind is '${kind}'; expected blockwise or random.`);
}

/** What a sample is made by; plain data, so that a worker thread can take it. */
export interface SampleRecipe {
  readonly seed: number;
  readonly views: TwoViewOptions;
  readonly masking?: MaskingOptions;
}

/** Samples one after the other in arrays of their own. */
export interface Samples extends TwoViews {
  /** Which images they are. */
  readonly indices: number[];
  readonly names: string[];
  /** `[patches]` each, 1 = masked; empty without masking. */
  readonly masks: Uint8Array[];
}

/**
 * Some samples of one epoch. Everything random in a sample derives from (seed, epoch, index): who prepares it, and
 * when, does not matter.
 *
 * @param wanted indices of images; one of `index + k * images` is the image's k-th repetition, augmented otherwise
 * @param reused as many samples of this recipe that nobody needs any more: their arrays are written again
 */
export async function prepareSamples(
  source: ImageSource,
  { seed, views, masking }: SampleRecipe,
  epoch: number,
  wanted: readonly number[],
  reused?: Samples,
): Promise<{ samples: Samples; unreadable: Unreadable[] }> {
  const generator = masking && createMasking(masking);
  const { image, tokenImage, opacity } = reused ?? emptyViews(views, wanted.length);
  const all = { image, tokenImage, opacity };
  const masks: Uint8Array[] = [];
  const { indices, names, unreadable } = await eachReadable(
    source.names,
    { seed, epoch },
    wanted,
    async (index, sample, i) => {
      await withCanvas(source, index, (canvas) => {
        twoViews(canvas, views, createRandom(seed, epoch, sample, 'views'), viewsAt(all, views, i));
      });
      masks.push(generator?.generate(createRandom(seed, epoch, sample, 'mask')) ?? new Uint8Array());
    },
    source.kind === 'shards' ? withinShard(source) : undefined,
  );
  return { samples: { ...all, indices, names, masks }, unreadable };
}
