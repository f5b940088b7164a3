import { isJsonObject, type JsonObject } from './readJson';

/** What a model wants its images to be: `(pixel - mean) / std` for each channel, pixels in [0, 1]. */
export interface Normalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** The normalization in transformers' preprocessor_config.json (`image_mean`) or timm's config.json (`pretrained_cfg.mean`). */
export function normalizationOf(json: JsonObject): Normalization | undefined {
  const timm = isJsonObject(json.pretrained_cfg) ? json.pretrained_cfg : {};
  const mean = json.image_mean ?? timm.mean;
  const std = json.image_std ?? timm.std;
  if (mean === undefined && std === undefined) return undefined;
  if (!isTriple(mean) || !isTriple(std) || !std.every((value) => value > 0)) {
    throw new Error(
      `The images' mean ${JSON.stringify(mean)} and standard deviation ${JSON.stringify(std)} must be three numbers each, the latter positive.`,
    );
  }
  return { mean, std };
}

/**
 * The normalization in a configuration of mmsegmentation, whose pixels are in [0, 255]: `data_preprocessor`, or
 * `img_norm_cfg` before version 1.
 */
export function mmsegmentationNormalization(config: JsonObject): Normalization | undefined {
  const model = isJsonObject(config.model) ? config.model : {};
  const stated = config.data_preprocessor ?? model.data_preprocessor ?? config.img_norm_cfg;
  if (!isJsonObject(stated) || stated.mean === undefined) return undefined;
  if (stated.bgr_to_rgb === false || stated.to_rgb === false)
    throw new Error('The model wants blue, green, red; expected bgr_to_rgb=True, as BEiT has it.');
  const inUnits = (values: unknown) =>
    Array.isArray(values) ? values.map((value) => Number(value) / 255) : values;
  return normalizationOf({ image_mean: inUnits(stated.mean), image_std: inUnits(stated.std) });
}

const isTriple = (value: unknown): value is [number, number, number] =>
  Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);

/** The shorter side in transformers' preprocessor_config.json, pixels, where it cuts out the centre. */
export function shorterSideOf({ size, do_center_crop: cuts }: JsonObject): number | undefined {
  const side = isJsonObject(size) ? size.shortest_edge : undefined;
  if (cuts !== true || side === undefined) return undefined;
  if (!Number.isSafeInteger(side) || (side as number) < 1)
    throw new Error(
      `The size of images has the shortest_edge ${JSON.stringify(side)}; expected a whole number.`,
    );
  return side as number;
}
