import { relativePositionRows } from './relativePositionBias';
import { gridOf, type ResolvedVitConfig } from './vitConfig';

/** Names and shapes of the encoder's parameters, as in the official checkpoints; heads and `mask_token` are not among them. */
export function parameterShapes(config: ResolvedVitConfig): Record<string, number[]> {
  const { patchSize, inChannels, embedDim: dim, depth, numHeads, mlpRatio } = config;
  const [rows, columns] = gridOf(config);
  const hidden = Math.round(dim * mlpRatio);
  const table = [relativePositionRows([rows, columns]), numHeads];
  const shapes: Record<string, number[]> = {
    cls_token: [1, 1, dim],
    'patch_embed.proj.weight': [dim, inChannels, patchSize, patchSize],
    'patch_embed.proj.bias': [dim],
  };
  if (config.useAbsPosEmb) shapes.pos_embed = [1, rows * columns + 1, dim];
  if (config.useSharedRelPosBias) shapes['rel_pos_bias.relative_position_bias_table'] = table;
  for (let i = 0; i < depth; i++) {
    const block: Record<string, number[]> = {
      'norm1.weight': [dim],
      'norm1.bias': [dim],
      'attn.qkv.weight': [3 * dim, dim],
      ...(config.qkvBias ? { 'attn.q_bias': [dim], 'attn.v_bias': [dim] } : {}),
      ...(config.useRelPosBias ? { 'attn.relative_position_bias_table': table } : {}),
      'attn.proj.weight': [dim, dim],
      'attn.proj.bias': [dim],
      'norm2.weight': [dim],
      'norm2.bias': [dim],
      'mlp.fc1.weight': [hidden, dim],
      'mlp.fc1.bias': [hidden],
      'mlp.fc2.weight': [dim, hidden],
      'mlp.fc2.bias': [dim],
      ...(config.layerScaleInit > 0 ? { gamma_1: [dim], gamma_2: [dim] } : {}),
    };
    for (const [name, shape] of Object.entries(block)) shapes[`blocks.${i}.${name}`] = shape;
  }
  return shapes;
}
