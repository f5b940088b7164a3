import { dropPath, gatherPositions, type LinearParams, layerNorm, mlp, type TensorParams } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';
import { type AttentionParams, selfAttention } from './attention';
import { parameter } from './parameter';
import { biasOfQueries, relativePositionBias } from './relativePositionBias';

/** Parameters of one transformer block, under the official names of its parts. */
export interface BlockParams {
  readonly norm1: LayerNormParams;
  readonly attn: AttentionParams;
  /** `[relativePositionRows(gridSize), numHeads]`, of a block that has a table of its own. */
  readonly 'attn.relative_position_bias_table'?: tf.Tensor;
  readonly norm2: LayerNormParams;
  readonly 'mlp.fc1': LinearParams;
  readonly 'mlp.fc2': LinearParams;
  /** Layer scale of the two branches, `[embedDim]` each. */
  readonly gamma_1?: tf.Tensor;
  readonly gamma_2?: tf.Tensor;
}

/** `[embedDim]` each. */
interface LayerNormParams {
  readonly weight: tf.Tensor;
  readonly bias: tf.Tensor;
}

export interface BlockOptions {
  readonly gridSize: readonly [number, number];
  readonly numHeads: number;
  readonly layerNormEpsilon: number;
  /** `[numHeads, tokens, tokens]`, for blocks without a table of their own. */
  readonly sharedBias?: tf.Tensor;
  /** `[batch, count]` int32, the only tokens whose features are wanted. Left out: all. */
  readonly queries?: tf.Tensor;
  /** Probability with which the two branches are dropped, and which of the images keep them, `[batch]` of 0 and 1 each. */
  readonly dropPathRate: number;
  readonly keeps?: readonly [tf.Tensor, tf.Tensor];
}

/**
 * The parameters of one block.
 *
 * @throws Error when there are none of this block, or not all
 */
export function blockParams(params: TensorParams, block: number): BlockParams {
  const prefix = `blocks.${block}.`;
  if (!Object.keys(params).some((name) => name.startsWith(prefix)))
    throw new Error(`The parameters have no '${prefix}...': they are of a shallower model.`);
  const required = (name: string) => parameter(params, prefix + name);
  const optional = (name: string) => params[prefix + name];
  const layer = (name: string) => ({ weight: required(`${name}.weight`), bias: required(`${name}.bias`) });
  return {
    norm1: layer('norm1'),
    attn: {
      'qkv.weight': required('attn.qkv.weight'),
      q_bias: optional('attn.q_bias'),
      v_bias: optional('attn.v_bias'),
      'proj.weight': required('attn.proj.weight'),
      'proj.bias': required('attn.proj.bias'),
    },
    'attn.relative_position_bias_table': optional('attn.relative_position_bias_table'),
    norm2: layer('norm2'),
    'mlp.fc1': layer('mlp.fc1'),
    'mlp.fc2': layer('mlp.fc2'),
    gamma_1: optional('gamma_1'),
    gamma_2: optional('gamma_2'),
  };
}

/**
 * A pre-norm transformer block: attention and MLP, each a residual branch with layer scale and drop path.
 * Reference: microsoft/unilm beit/modeling_finetune.py, Block.
 *
 * @param x `[batch, tokens, embedDim]`
 * @returns `x` of the same shape, or of the queries alone, `[batch, count, embedDim]`; and the logits of the attention,
 *   `[batch, numHeads, queries, tokens]`
 */
export function transformerBlock(
  x: tf.Tensor,
  params: BlockParams,
  { gridSize, numHeads, layerNormEpsilon, sharedBias, queries, dropPathRate, keeps }: BlockOptions,
): { readonly x: tf.Tensor; readonly logits: tf.Tensor } {
  const norm = (tokens: tf.Tensor, { weight, bias }: LayerNormParams) =>
    layerNorm(tokens, weight, bias, layerNormEpsilon);
  const residual = (branch: tf.Tensor, gamma?: tf.Tensor, keep?: tf.Tensor) => {
    const scaled = gamma ? tf.mul(branch, gamma) : branch;
    return keep ? dropPath(scaled, keep, dropPathRate) : scaled;
  };

  const table = params['attn.relative_position_bias_table'];
  const bias = table ? relativePositionBias(table, gridSize) : sharedBias;
  const tokens = norm(x, params.norm1);
  const input = queries ? gatherPositions(x, queries) : x;
  const { output, logits } = selfAttention(
    tokens,
    params.attn,
    numHeads,
    bias && queries ? biasOfQueries(bias, queries) : bias,
    queries && norm(input, params.norm1),
  );
  const attended = tf.add(input, residual(output, params.gamma_1, keeps?.[0]));
  const expanded = mlp(norm(attended, params.norm2), params['mlp.fc1'], params['mlp.fc2']);
  return { x: tf.add(attended, residual(expanded, params.gamma_2, keeps?.[1])), logits };
}
