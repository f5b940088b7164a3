import { type Optimizer, type OptimizerScalars, type TrainState, trainStep } from '@beit/optim';
import type { Step } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import type { Dvae } from './createDvae';
import { type DvaeBatch, type DvaeOutputs, dvaeLoss } from './dvaeLoss';

/**
 * One training step: loss, gradients, update. Begin with `trainState(dvae.init(random), optimizer)`.
 *
 * Inputs: `batch`, and `scalars` of `optimizer.scalars(step, learningRate)`. Outputs: those of `dvaeLoss`, and
 * `gradNorm` before clipping. Accumulation, moving averages and data parallelism: `dvaeLoss` with the other steps of
 * `@beit/optim`.
 */
export function dvaeTrainStep(
  dvae: Dvae,
  optimizer: Optimizer,
): Step<
  TrainState,
  { batch: DvaeBatch; scalars: OptimizerScalars<tf.Tensor> },
  DvaeOutputs & { gradNorm: tf.Tensor }
> {
  return trainStep((params, batch: DvaeBatch) => dvaeLoss(dvae, params, batch), optimizer);
}

type Float32Spec = { readonly dtype: 'float32'; readonly shape: readonly number[] };

/** Dtypes and shapes of a batch, for compiling. `imageSize` in pixels: the side of a square, or [height, width]. */
export function dvaeBatchSpecs(
  dvae: Dvae,
  { batchSize, imageSize }: { batchSize: number; imageSize: number | readonly [number, number] },
): Record<keyof DvaeBatch, Float32Spec> {
  const [rows, columns] = dvae.gridSize(imageSize);
  const float32 = (...shape: number[]): Float32Spec => ({ dtype: 'float32', shape });
  const [height, width] = [rows * dvae.downsampling, columns * dvae.downsampling];
  return {
    images: float32(batchSize, height, width, 3),
    uniform: float32(batchSize, rows, columns, dvae.config.vocabSize),
    temperature: float32(),
    klWeight: float32(),
    usageWeight: float32(),
  };
}
