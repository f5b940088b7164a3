import type { EngineOptions } from '@beit/cli';
import { compileForward } from '@beit/compile';
import { completePixels, type PixelRegression } from '@beit/mim';
import { createRandom } from '@beit/random';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { resolveVitConfig } from '@beit/vit';
import type * as tf from '@tensorflow/tfjs';
import { type HeldOut, masksOf, objectPatches, withoutFilling } from '../heldOut';
import type { PretrainRecipe } from '../recipe';
import { decibels, patchErrors } from './patchErrors';

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

export interface PredictedBatch {
  /** `[batch, height, width, channels]`, normalized: masked patches predicted, the others as they are. */
  readonly completed: HostTensor;
  /** `[batch, patches]`, of pixels in [0, 1]. */
  readonly mse: HostTensor;
}

/** Measures pixel regression on held-out images; the program is compiled once. */
export async function pixelEvaluation(
  regression: PixelRegression,
  heldOut: HeldOut,
  recipe: PretrainRecipe,
  engine: EngineOptions,
) {
  const { gridSize } = regression.backbone;
  const { imageSize, inChannels } = resolveVitConfig(recipe.mim.model);
  const { batchSize, batches, count } = heldOut;
  const measured = (
    params: Record<string, tf.Tensor>,
    { images, mask }: { images: tf.Tensor; mask: tf.Tensor },
  ) => {
    const pixels = regression.pixels(params, images, mask);
    return {
      completed: completePixels(pixels, images, mask),
      ...patchErrors(pixels, images, mask, recipe.views.normalization.std),
    };
  };
  const program = await compileForward(
    measured,
    {
      params: regression.init(createRandom(0)),
      inputs: {
        images: { dtype: 'float32', shape: [batchSize, ...imageSize, inChannels] },
        mask: { dtype: 'float32', shape: [batchSize, gridSize[0] * gridSize[1]] },
      },
    },
    engine,
  );
  const masks = masksOf(heldOut);
  const onObject = batches.map(({ opacity }) => objectPatches(opacity, gridSize));

  return {
    async evaluate(
      current: NamedTensors,
    ): Promise<{ metrics: PixelMetrics; predicted: readonly PredictedBatch[] }> {
      await program.writeState(current);
      const predicted: PredictedBatch[] = [];
      const everywhere = meanErrors();
      const onObjects = meanErrors();
      for (const [i, batch] of batches.entries()) {
        const out = await program.run({ images: batch.images, mask: masks[i]! });
        predicted.push({ completed: out.completed, mse: out.mse });
        withoutFilling(heldOut, i, masks[i]!).forEach((masked, k) => {
          if (masked === 0) return;
          everywhere.add(out, k);
          if (onObject[i]![k]) onObjects.add(out, k);
        });
      }
      const all = everywhere.result();
      const object = onObjects.result();
      return {
        predicted,
        metrics: {
          loss: all.normalized,
          mse: all.mse,
          psnr: decibels(all.mse),
          meanColorMse: all.meanColorMse,
          meanColorPsnr: decibels(all.meanColorMse),
          objectPsnr: decibels(object.mse),
          objectMeanColorPsnr: decibels(object.meanColorMse),
          maskedPatches: all.count / count,
        },
      };
    },
    dispose: () => program.dispose(),
  };
}

type Errors<T> = Readonly<Record<'normalized' | 'mse' | 'meanColorMse', T>>;

function meanErrors() {
  const sum = { normalized: 0, mse: 0, meanColorMse: 0 };
  let count = 0;
  return {
    add({ normalized, mse, meanColorMse }: Errors<HostTensor>, patch: number) {
      sum.normalized += normalized.data[patch]!;
      sum.mse += mse.data[patch]!;
      sum.meanColorMse += meanColorMse.data[patch]!;
      count += 1;
    },
    result: () => ({
      count,
      normalized: sum.normalized / count,
      mse: sum.mse / count,
      meanColorMse: sum.meanColorMse / count,
    }),
  };
}
