/**
 * timm's config.json. Read from models/_hub.py (load_model_config_from_hf), data/config.py (resolve_data_config) and
 * data/transforms_factory.py (transforms_imagenet_eval) of timm 1.0.31.
 */

import { MOST_PIXELS } from '@beit/tensors';
import { namesByNumber } from './namesByNumber';
import { beforeCrop, coverOf, type Framing, type Preprocessing, type ResampleFilter } from './preprocessing';
import { isJsonObject, type JsonObject } from './readJson';
import { normalizationBy } from './transformersProcessor';

const FILTERS: readonly ResampleFilter[] = ['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos'];
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Whether a config.json is timm's. */
export const isTimmConfig = ({ architecture }: JsonObject): boolean => typeof architecture === 'string';

/** Before timm 0.9 it was the file itself. */
const pretrainedConfigOf = (json: JsonObject): JsonObject =>
  isJsonObject(json.pretrained_cfg) ? json.pretrained_cfg : json;

/**
 * What timm does to a picture in evaluation.
 *
 * @throws Error that names what cannot be done: other channels than gray and colors, an unknown
 *   `interpolation`, another `crop_mode` than center and squash
 */
export function preprocessingOfTimm(json: JsonObject): Preprocessing {
  const {
    input_size: inputSize = [3, 224, 224],
    crop_pct: cropShare = 0.875,
    crop_mode: cropMode = 'center',
    interpolation = 'bicubic',
    mean = IMAGENET.mean,
    std = IMAGENET.std,
  } = withoutNulls(pretrainedConfigOf(json));
  const [channels, height, width]: unknown[] = Array.isArray(inputSize) ? inputSize : [];
  if ((channels !== 1 && channels !== 3) || !isSide(height) || !isSide(width))
    throw wrong('input_size', inputSize, `1 or 3 channels, height and width of at most ${MOST_PIXELS}`);
  if (typeof cropShare !== 'number' || !(cropShare > 0))
    throw wrong('crop_pct', cropShare, 'a number above 0');
  const filter = FILTERS.find((name) => name === interpolation);
  if (!filter) throw wrong('interpolation', interpolation, `one of ${FILTERS.join(', ')}`);
  if (cropMode !== 'center' && cropMode !== 'squash') throw wrong('crop_mode', cropMode, 'center or squash');
  const framing: Framing = {
    resize: {
      to:
        cropMode === 'center'
          ? coverOf({ height, width }, cropShare)
          : { height: beforeCrop(height, cropShare), width: beforeCrop(width, cropShare) },
      filter,
    },
    crop: { height, width, rounding: 'half-even' },
    transparency: 'dropped',
  };
  return { framing, normalization: normalizationBy(mean, std, channels) };
}

/**
 * The names of the classes by their numbers, of which some may be left out; undefined where the file has none.
 *
 * @throws Error when they are no list of texts, and no object with numbers as keys
 */
export function classNamesOfTimm(json: JsonObject): readonly (string | undefined)[] | undefined {
  const cfg = pretrainedConfigOf(json);
  // `labels` before timm 0.9.
  const said = json.label_names ?? cfg.label_names ?? cfg.labels;
  return said === undefined || said === null
    ? undefined
    : namesByNumber(said, "label_names in timm's config.json");
}

const isSide = (side: unknown): side is number =>
  Number.isSafeInteger(side) && (side as number) >= 1 && (side as number) <= MOST_PIXELS;

const withoutNulls = (json: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));

const wrong = (name: string, value: unknown, expected: string): Error =>
  new Error(`${name} is ${JSON.stringify(value)} in timm's config.json; expected ${expected}.`);
