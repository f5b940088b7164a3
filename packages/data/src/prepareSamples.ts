import {
  type BlockwiseMaskingOptions,
  createBlockwiseMasking,
  createRandomMasking,
  type GridTarget,
  type MaskGenerator,
} from '@beit/masking';
import { createRandom } from '@beit/random';
import type { ImageSource } from './source';
import { emptyViews, type TwoViewOptions, type TwoViews, twoViews, viewsAt } from './twoViews';
import { withCanvas } from './withCanvas';

/** How patches are hidden: BEiT's blocks, or single patches for comparison. */
export type MaskingOptions =
  | ({ readonly kind: 'blockwise' } & BlockwiseMaskingOptions)
  | ({ readonly kind: 'random' } & GridTarget);

export const createMasking = ({ kind, ...options }: MaskingOptions): MaskGenerator =>
  kind === 'blockwise'
    ? createBlockwiseMasking(options as BlockwiseMaskingOptions)
    : createRandomMasking(options as GridTarget);

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

export interface Unreadable {
  readonly name: string;
  readonly reason: string;
}

/** So many unreadable images in a row are no accident. */
const MOST_REPLACEMENTS = 20;

/**
 * Some samples of one epoch. Everything random in a sample derives from (seed, epoch, index): who prepares it, and
 * when, does not matter. An unreadable image is replaced by another, the same one whenever this sample is asked for.
 *
 * @param indices of images; one of `index + k * images` is the image's k-th repetition, augmented otherwise
 */
export async function prepareSamples(
  source: ImageSource,
  { seed, views, masking }: SampleRecipe,
  epoch: number,
  indices: readonly number[],
): Promise<{ samples: Samples; unreadable: Unreadable[] }> {
  const generator = masking && createMasking(masking);
  const unreadable: Unreadable[] = [];
  const samples: Samples = { ...emptyViews(views, indices.length), indices: [], names: [], masks: [] };
  const prepare = async (wanted: number, into: TwoViews): Promise<void> => {
    const replacements = createRandom(seed, epoch, wanted, 'replacement');
    let index = wanted % source.names.length;
    for (let attempt = 0; attempt <= MOST_REPLACEMENTS; attempt++) {
      try {
        await withCanvas(source, index, (canvas) => {
          twoViews(canvas, views, createRandom(seed, epoch, wanted, 'views'), into);
        });
        samples.masks.push(
          generator?.generate(createRandom(seed, epoch, wanted, 'mask')) ?? new Uint8Array(),
        );
        samples.indices.push(index);
        samples.names.push(source.names[index]!);
        return;
      } catch (error) {
        unreadable.push({
          name: source.names[index]!,
          reason: error instanceof Error ? error.message : String(error),
        });
        index = replacements.integer(0, source.names.length - 1);
      }
    }
    const [first] = unreadable;
    throw new Error(
      `${MOST_REPLACEMENTS + 1} images in a row could not be read; the first was '${first!.name}': ${first!.reason}`,
    );
  };
  for (const [i, index] of indices.entries()) await prepare(index, viewsAt(samples, views, i));
  return { samples, unreadable };
}
