import { attentionOfImages, type LayerAttention } from '@beit/attention';
import type { EngineOptions } from '@beit/cli';
import { compileForward } from '@beit/compile';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import type { Vit } from '@beit/vit';
import type * as tf from '@tensorflow/tfjs';

/** Attention of the last block, for each of some whole images. */
export async function lastAttention(
  vit: Vit,
  params: NamedTensors,
  images: HostTensor,
  engine: EngineOptions,
): Promise<LayerAttention[]> {
  const program = await compileForward(
    (params: Record<string, tf.Tensor>, { images }: { images: tf.Tensor }) => {
      const embedded = vit.embedPatches(params, images);
      const { attention } = vit.encode(params, embedded, { withAttention: true });
      return { attention: attention.at(-1)! };
    },
    { params, inputs: { images: { dtype: 'float32', shape: images.shape } } },
    engine,
  );
  const { attention } = await program.run({ images });
  await program.dispose();
  return attentionOfImages({ ...attention, data: attention.data as Float32Array });
}
