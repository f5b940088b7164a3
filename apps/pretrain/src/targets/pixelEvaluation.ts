import type { EngineOptions } from '@beit/apps-shared';
import { compile } from '@beit/compile';
import { completePixels, type PixelRegression } from '@beit/mim';
import { createRandom } from '@beit/random';
import type { HostTensor, NamedTensors } from '@beit/weights';
import type * as tf from '@tensorflow/tfjs';
import { type HeldOut, masksOf, objectPatches } from '../heldOut';
import { denormalizer, pictureOf } from '../heldOutPictures';
import type { PretrainRecipe } from '../recipe';
import { decibels, type PatchErrors, patchErrors } from './patchErrors';

export interface PixelMetrics {
  /** What is trained: mean squared error of masked patches, in the images' normalized units. */
  readonly loss: number;
  /** The same of pixels in [0, 1], and in dB. */
  readonly mse: number;
  readonly psnr: number;
  /** What answering with the mean colour of an image's own visible patches reaches. */
  readonly meanColorMse: number;
  readonly meanColorPsnr: number;
  /** Both over the masked patches that the object mostly covers. */
  readonly objectPsnr: number;
  readonly objectMeanColorPsnr: number;
  readonly maskedPatches: number;
}

export interface PixelResults {
  readonly metrics: PixelMetrics;
  /** Of every batch `[batch, imageSize, imageSize, 3]`, normalized: masked patches predicted, the others as they are. */
  readonly completed: readonly HostTensor[];
}

/** Measures pixel regression on held-out images; the program is compiled once. */
export async function pixelEvaluation(
  regression: PixelRegression,
  heldOut: HeldOut,
  recipe: PretrainRecipe,
  engine: EngineOptions,
) {
  const { gridSize } = regression.backbone;
  const patches = gridSize[0] * gridSize[1];
  const { imageSize } = recipe.mim.model;
  const { batchSize, batches, count } = heldOut;
  const program = await compile(
    (state: Record<string, tf.Tensor>, { images, mask }: { images: tf.Tensor; mask: tf.Tensor }) => ({
      state,
      outputs: {
        completed: completePixels(regression.pixels(state, images, mask), images, mask) as tf.Tensor,
      },
    }),
    {
      state: regression.init(createRandom(0)),
      inputs: {
        images: { dtype: 'float32', shape: [batchSize, imageSize, imageSize, 3] },
        mask: { dtype: 'float32', shape: [batchSize, patches] },
      },
    },
    engine,
  );
  const masks = masksOf(heldOut);
  const onObject = batches.map(({ opacity }) => objectPatches(opacity, gridSize));
  const toPixels = denormalizer(recipe);

  return {
    async evaluate(current: NamedTensors): Promise<PixelResults> {
      await program.writeState(current);
      const completed: HostTensor[] = [];
      const normalized: PatchErrors[] = [];
      const everywhere: PatchErrors[] = [];
      const onObjects: PatchErrors[] = [];
      for (const [i, batch] of batches.entries()) {
        const out = await program.run({ images: batch.images, mask: masks[i]! });
        completed.push(out.completed);
        for (let image = 0; image < Math.min(batchSize, count - i * batchSize); image++) {
          const errors = (units?: typeof toPixels) =>
            patchErrors(
              pictureOf(batch.images, image, units),
              pictureOf(out.completed, image, units),
              batch.masks[image]!,
              gridSize,
            );
          const own = errors(toPixels);
          normalized.push(...errors());
          everywhere.push(...own);
          onObjects.push(...own.filter(({ patch }) => onObject[i]![image * patches + patch]));
        }
      }
      const mse = meanOf(everywhere.map((error) => error.mse));
      const meanColorMse = meanOf(everywhere.map((error) => error.meanColorMse));
      return {
        completed,
        metrics: {
          loss: meanOf(normalized.map((error) => error.mse)),
          mse,
          psnr: decibels(mse),
          meanColorMse,
          meanColorPsnr: decibels(meanColorMse),
          objectPsnr: decibels(meanOf(onObjects.map((error) => error.mse))),
          objectMeanColorPsnr: decibels(meanOf(onObjects.map((error) => error.meanColorMse))),
          maskedPatches: everywhere.length / count,
        },
      };
    },
    dispose: () => program.dispose(),
  };
}

const meanOf = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
