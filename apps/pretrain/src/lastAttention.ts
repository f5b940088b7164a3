import type { EngineOptions } from '@beit/apps-shared';
import { attentionOfImages, type LayerAttention } from '@beit/attention';
import { compile } from '@beit/compile';
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
  const program = await compile(
    (state: Record<string, tf.Tensor>, inputs: { images: tf.Tensor }) => {
      const embedded = vit.embedPatches(state, inputs.images);
      const { attention } = vit.encode(state, embedded, { withAttention: true });
      return { state, outputs: { attention: attention.at(-1)! as tf.Tensor } };
    },
    { state: params, inputs: { images: { dtype: 'float32', shape: images.shape } } },
    engine,
  );
  const { attention } = await program.run({ images });
  await program.dispose();
  return attentionOfImages({ ...attention, data: attention.data as Float32Array });
}
