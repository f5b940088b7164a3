import { attend, linear } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';

/** Parameters of one attention layer, official names. */
export interface AttentionParams {
  /** `[3 * embedDim, embedDim]`, queries, keys, values. */
  readonly 'qkv.weight': tf.Tensor;
  /** `[embedDim]` */
  readonly q_bias?: tf.Tensor;
  readonly v_bias?: tf.Tensor;
  readonly 'proj.weight': tf.Tensor;
  readonly 'proj.bias': tf.Tensor;
}

/**
 * Multi-head self-attention.
 *
 * @param x `[batch, tokens, embedDim]`
 * @param bias added to the logits, `[numHeads, tokens, tokens]`
 * @returns `output` like x, and `logits` `[batch, numHeads, tokens, tokens]`, whose softmax is the attention
 */
export function selfAttention(
  x: tf.Tensor,
  params: AttentionParams,
  numHeads: number,
  bias?: tf.Tensor,
): { output: tf.Tensor; logits: tf.Tensor } {
  const [batch, tokens, embedDim] = x.shape as [number, number, number];
  const headDim = embedDim / numHeads;
  const qkv = linear(x, params['qkv.weight'], qkvBias(params, embedDim));
  const heads = tf.transpose(tf.reshape(qkv, [batch, tokens, 3, numHeads, headDim]), [2, 0, 3, 1, 4]);
  const [q, k, v] = tf.unstack(heads) as [tf.Tensor, tf.Tensor, tf.Tensor]; // 3 x [batch, numHeads, tokens, headDim]
  const scores = tf.mul(tf.matMul(q, k, false, true), headDim ** -0.5);
  const logits = bias ? tf.add(scores, bias) : scores;
  const mixed = tf.reshape(tf.transpose(attend(logits, v), [0, 2, 1, 3]), [batch, tokens, embedDim]);
  return { output: linear(mixed, params['proj.weight'], params['proj.bias']), logits };
}

function qkvBias({ q_bias, v_bias }: AttentionParams, embedDim: number): tf.Tensor | undefined {
  if (!q_bias || !v_bias) return undefined;
  return tf.concat([q_bias, tf.zeros([embedDim]), v_bias]);
}
