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
 * @param bias added to the logits, `[numHeads, tokens, tokens]`, or `[batch, numHeads, queries, tokens]`
 * @param queries what asks, `[batch, queries, embedDim]`; left out: every token
 * @returns `output` like the queries, and `logits` `[batch, numHeads, queries, tokens]`, whose softmax is the attention
 */
export function selfAttention(
  x: tf.Tensor,
  params: AttentionParams,
  numHeads: number,
  bias?: tf.Tensor,
  queries?: tf.Tensor,
): { output: tf.Tensor; logits: tf.Tensor } {
  const [batch, , embedDim] = x.shape as [number, number, number];
  const [q, k, v] = queries
    ? queriesApart(queries, x, params, numHeads)
    : (tf.unstack(toHeads(linear(x, params['qkv.weight'], qkvBias(params)), 3, numHeads)) as Heads);
  const scores = tf.mul(tf.matMul(q, k, false, true), (embedDim / numHeads) ** -0.5);
  const logits = bias ? tf.add(scores, bias) : scores;
  const mixed = tf.reshape(tf.transpose(attend(logits, v), [0, 2, 1, 3]), [batch, -1, embedDim]);
  return { output: linear(mixed, params['proj.weight'], params['proj.bias']), logits };
}

/** Queries, keys and values, each `[batch, numHeads, tokens, headDim]`. */
type Heads = [tf.Tensor, tf.Tensor, tf.Tensor];

/** Queries of some tokens, keys and values of all. */
function queriesApart(queries: tf.Tensor, x: tf.Tensor, params: AttentionParams, numHeads: number): Heads {
  const embedDim = x.shape[2]!;
  const apart = (qkv: tf.Tensor) => tf.split(qkv, [embedDim, 2 * embedDim]) as [tf.Tensor, tf.Tensor];
  const [queryWeight, keyValueWeight] = apart(params['qkv.weight']);
  const bias = qkvBias(params);
  const [queryBias, keyValueBias] = bias ? apart(bias) : [];
  const q = toHeads(linear(queries, queryWeight, queryBias), 1, numHeads);
  const [k, v] = tf.unstack(toHeads(linear(x, keyValueWeight, keyValueBias), 2, numHeads));
  return [tf.squeeze(q, [0]), k!, v!];
}

/** `[batch, tokens, parts * embedDim]` to `[parts, batch, numHeads, tokens, headDim]`. */
function toHeads(x: tf.Tensor, parts: number, numHeads: number): tf.Tensor {
  const [batch, tokens] = x.shape as [number, number];
  return tf.transpose(tf.reshape(x, [batch, tokens, parts, numHeads, -1]), [2, 0, 3, 1, 4]);
}

function qkvBias({ q_bias, v_bias }: AttentionParams): tf.Tensor | undefined {
  return q_bias && v_bias && tf.concat([q_bias, tf.zerosLike(q_bias), v_bias]);
}
