import { constant, fanInUniform, truncatedNormal } from '@beit/nn';
import type { Random } from '@beit/random';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { parameterShapes } from './parameterShapes';
import type { ResolvedVitConfig } from './vitConfig';

/** Standard deviation of BEiT's weights. */
export const INIT_STD = 0.02;

/**
 * `pretrain` cuts the normal distribution off at one standard deviation, as modeling_pretrain.py does; `finetune` at
 * ±2, which cuts off nothing, and leaves the patch projection to the framework, as modeling_finetune.py.
 */
export type InitStyle = 'pretrain' | 'finetune';

/**
 * Initial parameters: truncated normal weights, zero biases, and the output projections of block l (from 1) divided
 * by √(2l), so that the residual stream keeps its scale with depth. Paper: section 2.5.
 */
export function initParams(
  config: ResolvedVitConfig,
  random: Random,
  style: InitStyle = 'pretrain',
): NamedTensors {
  const cutoff = style === 'pretrain' ? INIT_STD : 2;
  const initial = (name: string, shape: readonly number[]): HostTensor => {
    if (name.includes('gamma_')) return constant(shape, config.layerScaleInit);
    if (/norm\d\.weight$/.test(name)) return constant(shape, 1);
    if (name.endsWith('relative_position_bias_table')) return constant(shape, 0);
    if (style === 'finetune' && name.startsWith('patch_embed'))
      return fanInUniform(random, shape, config.inChannels * config.patchSize ** 2);
    if (name.endsWith('bias')) return constant(shape, 0);
    return rescaled(name, truncatedNormal(random, shape, INIT_STD, cutoff));
  };
  return Object.fromEntries(
    Object.entries(parameterShapes(config)).map(([name, shape]) => [name, initial(name, shape)]),
  );
}

function rescaled(name: string, tensor: HostTensor): HostTensor {
  const block = /^blocks\.(\d+)\.(?:attn\.proj|mlp\.fc2)\.weight$/.exec(name);
  if (!block) return tensor;
  const layer = Number(block[1]) + 1;
  return { ...tensor, data: tensor.data.map((x) => x / Math.sqrt(2 * layer)) };
}
