import type { LayerAttention } from '@beit/attention';
import type { EngineOptions, Pretrained } from '@beit/cli';
import { compileForward } from '@beit/compile';
import type { ImageSize } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { type AttentionModel, encoderAt, normalizedImage } from '../attentionModel';

/**
 * The attention of patches that are masked themselves, one at a time, while all others are seen: what pre-training asks.
 * The rows of a map are from as many images. A masked patch does not know what it shows, but where it is.
 */
export async function openMaskedQueries(
  pretrained: Pretrained,
  size: ImageSize,
  engine: EngineOptions,
): Promise<AttentionModel> {
  const { vit, params, facts } = encoderAt(pretrained, size);
  const maskToken = pretrained.tensors.mask_token;
  if (!maskToken) throw new Error(`${pretrained.path} has no mask_token, so that no patch can be masked.`);
  const { depth, numHeads } = facts;
  const [rows, columns] = facts.gridSize;
  const patches = rows * columns;
  const tokens = patches + 1;
  /** The patches of a row of the grid at a time. */
  const program = await compileForward(
    (params: Record<string, tf.Tensor>, { images, masks }: { images: tf.Tensor; masks: tf.Tensor }) => {
      const hidden = tf.expandDims(masks, 2);
      const seen = tf.mul(vit.embedPatches(params, images), tf.sub(1, hidden));
      const { attention } = vit.encode(params, tf.add(seen, tf.mul(hidden, params.mask_token!)), {
        withAttention: true,
      });
      // The row of the masked patch of every image: [columns, numHeads, tokens] a block.
      const isQuery = tf.reshape(
        tf.pad(masks as tf.Tensor2D, [
          [0, 0],
          [1, 0],
        ]),
        [columns, 1, tokens, 1],
      );
      const asked = attention.map((layer) => tf.sum(tf.mul(layer, isQuery), 2));
      return { asked: tf.stack(asked) };
    },
    {
      params: { ...params, mask_token: maskToken },
      inputs: {
        images: { dtype: 'float32', shape: [1, ...vit.config.imageSize, vit.config.inChannels] },
        masks: { dtype: 'float32', shape: [columns, patches] },
      },
    },
    engine,
  );

  return {
    ...facts,
    engine: program.engine,
    async attention(image) {
      const images = normalizedImage(image, pretrained.normalization);
      const shape = [numHeads, tokens, tokens] as const;
      const layers = Array.from({ length: depth }, (): LayerAttention & { data: Float32Array } => ({
        shape,
        data: new Float32Array(numHeads * tokens * tokens),
      }));
      for (let row = 0; row < rows; row++) {
        const masks = new Float32Array(columns * patches);
        for (let column = 0; column < columns; column++) masks[column * patches + row * columns + column] = 1;
        const { asked } = await program.run({
          images,
          masks: { dtype: 'float32', shape: [columns, patches], data: masks },
        });
        const data = asked.data as Float32Array;
        for (const [block, layer] of layers.entries())
          for (let column = 0; column < columns; column++)
            for (let head = 0; head < numHeads; head++) {
              const from = ((block * columns + column) * numHeads + head) * tokens;
              const query = 1 + row * columns + column;
              layer.data.set(data.subarray(from, from + tokens), (head * tokens + query) * tokens);
            }
      }
      return layers;
    },
    dispose: () => program.dispose(),
  };
}
