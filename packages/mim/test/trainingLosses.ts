import { compile } from '@beit/compile';
import { adamW, trainState } from '@beit/optim';
import { createRandom, type Random } from '@beit/random';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';

export const toHost = (tensor: tf.Tensor): HostTensor => ({
  dtype: tensor.dtype as 'float32',
  shape: tensor.shape,
  data: tensor.dataSync() as Float32Array,
});

/** The losses of some steps on one batch, from parameters that are always the same. */
export async function trainingLosses(
  stepOf: (optimizer: ReturnType<typeof adamW>) => unknown,
  init: (random: Random) => NamedTensors,
  batch: object,
  engine: 'tfjs' | 'onnxruntime',
  steps: number,
): Promise<number[]> {
  const optimizer = adamW({ weightDecay: 0.05, clipNorm: 3 });
  const program = await compile(
    stepOf(optimizer) as never,
    {
      state: trainState(init(createRandom(1)), optimizer),
      inputs: { batch, scalars: optimizer.scalarSpecs },
    } as never,
    { engine },
  );
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const outputs = (await program.run({ batch, scalars: optimizer.scalars(i, 1e-2) } as never)) as {
      loss: HostTensor;
    };
    losses.push(outputs.loss.data[0]!);
  }
  await program.dispose();
  return losses;
}
