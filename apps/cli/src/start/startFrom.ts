import type { NamedTensors } from '@beit/tensors';
import { type PositionFilter, resizeParams, type VitConfig } from '@beit/vit';
import { describeFit, fitParameters } from '@beit/weights';
import type { Pretrained } from './loadPretrained';

/**
 * The architecture of a checkpoint, at the recipe's resolution, channels and rate of dropped paths. A shared relative position bias
 * becomes one per block, as the released fine-tuning code has it.
 */
export function modelOf(
  { imageSize, dropPathRate = 0, inChannels }: VitConfig,
  { config }: Pick<Pretrained, 'config'>,
): VitConfig {
  const { inChannels: _, useSharedRelPosBias = false, useRelPosBias = false, ...others } = config;
  return {
    ...others,
    imageSize,
    dropPathRate,
    ...(inChannels !== undefined && { inChannels }),
    useRelPosBias: useRelPosBias || useSharedRelPosBias,
    useSharedRelPosBias: false,
  };
}

export interface Start {
  readonly params: NamedTensors;
  /** What was not taken from the checkpoint, or not needed of it, for people. */
  readonly notes: readonly string[];
}

export const shapesOf = (params: NamedTensors): Record<string, readonly number[]> =>
  Object.fromEntries(Object.entries(params).map(([name, { shape }]) => [name, shape]));

/** What training does not take from pre-training and other tasks: their heads, and norms before these. */
const isOther = (name: string) =>
  /^(lm_head|pixel_head|norm|fc_norm|head|decode_head|auxiliary_head|neck|fpn[12])\.|^mask_token$/.test(name);

/**
 * What training begins with: the checkpoint's encoder, brought to the model's resolution, and a new head. A head of the
 * same shapes is taken over. Reference: microsoft/unilm beit/run_class_finetuning.py.
 *
 * @param initial all parameters of the model, at random
 * @param isHead which of them may begin anew
 * @param positions how they are brought to another resolution
 * @throws when the checkpoint lacks a part of the encoder, or has one of another shape: the error lists them
 */
export function startFrom(
  model: VitConfig,
  initial: NamedTensors,
  pretrained: Pretrained | undefined,
  isHead: (name: string) => boolean,
  positions: PositionFilter = 'bicubic',
): Start {
  if (!pretrained) return { params: initial, notes: [] };
  const tensors = resizeParams(pretrained.tensors, pretrained.config, model, { positions });
  const fit = fitParameters(tensors, shapesOf(initial));
  const fatal = {
    ...fit,
    missing: fit.missing.filter((name) => !isHead(name)),
    misshapen: fit.misshapen.filter(({ name }) => !isHead(name)),
  };
  if (fatal.missing.length + fatal.misshapen.length > 0)
    throw new Error(`${pretrained.path} is no checkpoint of this model.\n${describeFit(fatal)}`);
  const fresh = Object.keys(initial).filter((name) => !(name in fit.params));
  const parts = [...new Set(fresh.map((name) => name.split('.')[0]))];
  const unknown = fit.extra.filter((name) => !isOther(name));
  return {
    params: Object.fromEntries(Object.entries(initial).map(([name, own]) => [name, fit.params[name] ?? own])),
    notes: [
      ...(parts.length > 0 ? [`New, at random: ${parts.join(', ')}.`] : []),
      ...(unknown.length > 0 ? [`Not used of the checkpoint: ${unknown.join(', ')}.`] : []),
    ],
  };
}
