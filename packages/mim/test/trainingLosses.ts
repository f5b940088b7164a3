import { compile } from '@beit/compile';
import {
  adamW,
  asTreeLoss,
  type LossAndOutputs,
  type LossFunction,
  trainState,
  trainStep,
} from '@beit/optim';
import { createRandom, type Random } from '@beit/random';
import type { HostTensor, NamedTensors, Tree, TreeOf } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';

export const toHost = (tensor: tf.Tensor): HostTensor => ({
  dtype: tensor.dtype as 'float32',
  shape: tensor.shape,
  data: tensor.dataSync() as Float32Array,
});

/** The losses of some steps on one batch, from parameters that are always the same. */
export async function trainingLosses<B>(
  loss: LossFunction<B, LossAndOutputs>,
  init: (random: Random) => NamedTensors,
  batch: TreeOf<B, HostTensor>,
  engine: 'tfjs' | 'onnxruntime',
  steps: number,
): Promise<number[]> {
  const optimizer = adamW({ weightDecay: 0.05, clipNorm: 3 });
  const given = batch as Tree<HostTensor>;
  const program = await compile(
    trainStep(asTreeLoss(loss), optimizer),
    {
      state: trainState(init(createRandom(1)), optimizer),
      inputs: { batch: given, scalars: optimizer.scalarSpecs },
    },
    { engine },
  );
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const { loss } = await program.run({ batch: given, scalars: optimizer.scalars(i, 1e-2) });
    losses.push(Number(loss.data[0]));
  }
  await program.dispose();
  return losses;
}
