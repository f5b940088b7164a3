import type { Normalization } from './preprocessing';
import { pythonConfig } from './pythonConfig';
import { isJsonObject, type JsonObject } from './readJson';
import { normalizationBy } from './transformersProcessor';

/**
 * The configuration of a run of mmsegmentation in the `meta` of its checkpoint: `config` before version 1, `cfg` since.
 * Undefined where there is none, or it is no plain data.
 */
export function mmsegmentationConfigOf({ cfg, config = cfg }: JsonObject): JsonObject | undefined {
  return typeof config === 'string' ? pythonConfig(config) : undefined;
}

/**
 * The normalization in a configuration of mmsegmentation, whose pixels are in [0, 255]: `data_preprocessor`, or
 * `img_norm_cfg` before version 1.
 *
 * @throws Error when channels are in another order, or there are not three
 */
export function mmsegmentationNormalization(config: JsonObject): Normalization | undefined {
  const model = isJsonObject(config.model) ? config.model : {};
  const stated = config.data_preprocessor ?? model.data_preprocessor ?? config.img_norm_cfg;
  if (!isJsonObject(stated) || stated.mean === undefined) return undefined;
  if (stated.bgr_to_rgb === false || stated.to_rgb === false)
    throw new Error('The model wants blue, green, red; expected bgr_to_rgb=True, as BEiT has it.');
  const inUnits = (value: unknown) => (typeof value === 'number' ? value / 255 : value);
  const eachOf = (values: unknown) => (Array.isArray(values) ? values.map(inUnits) : inUnits(values));
  return normalizationBy(eachOf(stated.mean), eachOf(stated.std), 3);
}

/**
 * What the layer norms of the backbone in a configuration of mmsegmentation add to the variance; undefined where it
 * describes none. Unless it says so, 1e-5 (mmcv, cnn/bricks/norm.py).
 */
export function mmsegmentationLayerNormEpsilon({ model }: JsonObject): number | undefined {
  const backbone = isJsonObject(model) && isJsonObject(model.backbone) ? model.backbone : {};
  if (!isJsonObject(backbone.norm_cfg)) return undefined;
  const { eps = 1e-5 } = backbone.norm_cfg;
  return typeof eps === 'number' ? eps : undefined;
}
