import type { Backbone, TensorParams } from '@beit/nn';
import { assertShape } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';

/**
 * What a linear probe sees of images: for every block, the cls token and the mean of the patches that leave it, side by
 * side. They are not normalized, neither here nor in the probe, and those of the last block come before any final norm.
 * Paper: BEiT, appendix D. Reference: microsoft/unilm beit/run_linear_eval.py `train`, beit/modeling_finetune.py
 * `get_intermediate_layers` @006195f.
 *
 * @returns a pure function of the backbone's parameters and normalized images `[batch, size, size, 3]`:
 *   `[batch, layers, 2 * embedDim]`
 */
export const probeFeatures =
  (backbone: Pick<Backbone<'hidden'>, 'embedDim' | 'embedPatches' | 'encode'>) =>
  (params: TensorParams, images: tf.Tensor): tf.Tensor3D =>
    tf.tidy(() => {
      const { embedDim } = backbone;
      const [, ...layers] = backbone.encode(params, backbone.embedPatches(params, images)).hidden;
      const pooled = layers.map((tokens, i) => {
        assertShape(tokens, [images.shape[0]!, -1, embedDim], `The tokens that leave block ${i}`);
        const [batch, count] = tokens.shape as [number, number, number];
        const cls = tf.squeeze(tf.slice(tokens, [0, 0, 0], [batch, 1, embedDim]), [1]);
        const mean = tf.mean(tf.slice(tokens, [0, 1, 0], [batch, count - 1, embedDim]), 1);
        return tf.concat([cls, mean], 1);
      });
      return tf.stack(pooled, 1) as tf.Tensor3D;
    });
