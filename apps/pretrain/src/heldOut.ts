import {
  type Batch,
  createLoader,
  type ImageSource,
  patchCoverage,
  subset,
  type Unreadable,
} from '@beit/data';
import type { HostTensor } from '@beit/tensors';
import type { PretrainRecipe } from './recipe';
import { plainViews } from './views';

const LARGEST_BATCH = 64;

/** Held-out images, prepared once: the same crops and masks at every evaluation. */
export interface HeldOut {
  /** All of `batchSize` images, as compiled programs want them; the last one is filled up with images of the first. */
  readonly batches: readonly Batch[];
  readonly batchSize: number;
  /** Different images in all. */
  readonly count: number;
  /** Those that could not be read: they are in no batch. */
  readonly unreadable: readonly Unreadable[];
}

/**
 * The held-out images of a source, as if those that cannot be read were not in it: what a loader takes in their places
 * would be measured on twice.
 *
 * @throws when none can be read, with the reason of the first
 */
export async function loadHeldOut(recipe: PretrainRecipe, source: ImageSource): Promise<HeldOut> {
  const count = source.names.length;
  const batchSize = Math.min(count, LARGEST_BATCH);
  const loader = createLoader({
    source,
    batchSize,
    seed: recipe.seed,
    views: plainViews(recipe),
    masking: recipe.mim.masking,
    shuffle: false,
    dropLast: false,
    workers: 0,
  });
  const batches: Batch[] = [];
  for (let step = 0; step < loader.stepsPerEpoch; step++) batches.push(await loader.batch(step));
  await loader.close();
  const unreadable = loader.unreadable();
  if (unreadable.length === 0) return { batches, batchSize, count, unreadable };
  const names = new Set(unreadable.map(({ name }) => name));
  const readable = [...source.names].flatMap((name, index) => (names.has(name) ? [] : [index]));
  return { ...(await loadHeldOut(recipe, subset(source, readable))), unreadable };
}

/** What a batch holds, without what fills it up: a tensor's first rows. */
export function withoutFilling({ batchSize, count }: HeldOut, batch: number, { data, shape }: HostTensor) {
  const images = Math.min(batchSize, count - batch * batchSize);
  return data.subarray(0, (data.length / shape[0]!) * images);
}

/** The masks of every batch, `[batchSize, patches]` float32, 1 = masked. */
export const masksOf = ({ batches, batchSize }: HeldOut): HostTensor[] =>
  batches.map(({ masks }) => maskTensor(masks, batchSize));

/** Masks `[patches]` as one tensor `[rows, patches]` float32, 1 = masked. */
export function maskTensor(masks: readonly Uint8Array[], rows: number): HostTensor {
  const patches = masks[0]!.length;
  const data = new Float32Array(rows * patches);
  masks.forEach((mask, i) => {
    data.set(mask, i * patches);
  });
  return { dtype: 'float32', shape: [rows, patches], data };
}

/** Object coverage of every patch of a batch, `[batch * patches]`. */
export function coverageOf(opacity: HostTensor, gridSize: readonly [number, number]): Float32Array {
  const [batch, h, w] = opacity.shape as [number, number, number];
  const patches = gridSize[0] * gridSize[1];
  const result = new Float32Array(batch * patches);
  for (let i = 0; i < batch; i++) {
    const own = (opacity.data as Float32Array).subarray(i * h * w, (i + 1) * h * w);
    result.set(patchCoverage(own, [h, w], gridSize), i * patches);
  }
  return result;
}

const OBJECT_COVERAGE = 0.5;

/** Which patches of a batch count as the object's, `[batch * patches]`: those of which more than half is opaque. */
export const objectPatches = (opacity: HostTensor, gridSize: readonly [number, number]): boolean[] =>
  Array.from(coverageOf(opacity, gridSize), (coverage) => coverage > OBJECT_COVERAGE);
