/**
 * Hugging Face transformers' preprocessor_config.json: what its image processors of BEiT, ViT and DeiT do, which take the
 * same steps. Read from models/beit/image_processing_beit.py, image_processing_backends.py and image_processing_utils.py
 * (get_size_dict) of 5.24.
 */

import { MOST_PIXELS } from '@beit/tensors';
import type {
  Framing,
  Normalization,
  PerChannel,
  Preprocessing,
  ResampleFilter,
  Size,
} from './preprocessing';
import { isJsonObject, type JsonObject } from './readJson';

/** Pillow's numbers of its filters. */
const RESAMPLE: readonly ResampleFilter[] = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'];

type Defaults = Readonly<
  Record<'size' | 'resample' | 'do_center_crop' | 'image_mean' | 'image_std', unknown>
>;

const HALF = [0.5, 0.5, 0.5];
const BEIT: Defaults = {
  size: 224,
  resample: 3,
  do_center_crop: false,
  image_mean: HALF,
  image_std: HALF,
};
/** What a processor does where its file leaves it out. */
const DEFAULTS: Readonly<Record<string, Defaults>> = {
  Beit: BEIT,
  ViT: { ...BEIT, resample: 2 },
  DeiT: {
    ...BEIT,
    size: 256,
    do_center_crop: true,
    image_mean: [0.485, 0.456, 0.406],
    image_std: [0.229, 0.224, 0.225],
  },
};
const PROCESSOR = /^(\w+?)(?:FeatureExtractor|ImageProcessor(?:Fast|Pil)?)$/;

/**
 * What a preprocessor_config.json says, in its old form (`feature_extractor_type`, a number for `size`) or the new one.
 * Rescaling by another factor, or none, becomes a part of the normalization.
 *
 * @param channels of the model's images, where one number is said for all of them
 * @throws Error that names what cannot be done: another processor's steps, an unknown `resample`, a `size` by its longest
 *   edge, other channels than gray and colors
 */
export function preprocessingOfTransformers(json: JsonObject, channels: 1 | 3 = 3): Preprocessing {
  const type = json.image_processor_type ?? json.feature_extractor_type ?? 'BeitImageProcessor';
  const defaults = DEFAULTS[PROCESSOR.exec(String(type))?.[1] ?? ''];
  if (!defaults)
    throw wrong(
      json.image_processor_type === undefined ? 'feature_extractor_type' : 'image_processor_type',
      type,
      "BEiT's, ViT's or DeiT's, whose steps are known here",
    );
  const field = (name: keyof Defaults) => json[name] ?? defaults[name];
  const flag = (name: string, otherwise: unknown): boolean => {
    const value = json[name] ?? otherwise;
    if (typeof value !== 'boolean') throw wrong(name, value, 'true or false');
    return value;
  };
  const filter = RESAMPLE[field('resample') as number];
  if (!filter)
    throw wrong('resample', field('resample'), `a number of Pillow's filters, 0 to ${RESAMPLE.length - 1}`);
  return {
    framing: {
      ...(flag('do_resize', true) && { resize: { to: resizedTo(field('size')), filter } }),
      ...(flag('do_center_crop', field('do_center_crop')) && {
        crop: { ...sizeOf('crop_size', json.crop_size ?? 224), rounding: 'down' as const },
      }),
      transparency: 'white',
    },
    normalization: normalizationOf(json, channels, field, flag),
  };
}

/** Of pixels in [0, 1], whatever number they are multiplied by before. */
function normalizationOf(
  json: JsonObject,
  channels: 1 | 3,
  field: (name: 'image_mean' | 'image_std') => unknown,
  flag: (name: string, otherwise: boolean) => boolean,
): Normalization {
  const factor = flag('do_rescale', true) ? (json.rescale_factor ?? 1 / 255) : 1;
  if (typeof factor !== 'number' || !(factor > 0)) throw wrong('rescale_factor', factor, 'a number above 0');
  const { mean, std } = flag('do_normalize', true)
    ? normalizationBy(field('image_mean'), field('image_std'), channels)
    : normalizationBy(0, 1, channels);
  const whole = 255 * factor;
  // 1 / 255, as files have it in all its digits, is no reason for another last digit.
  if (Math.abs(whole - 1) < 1e-6) return { mean, std };
  const inUnits = (values: PerChannel) => perChannel(values.map((value) => value / whole));
  return { mean: inUnits(mean), std: inUnits(std) };
}

/** What preprocessor_config.json has to say for another to do the same. */
export function transformersProcessor({ framing, normalization }: Preprocessing): JsonObject {
  const { resize, crop } = framing;
  const to = resize?.to;
  const cropped = crop && { height: crop.height, width: crop.width };
  // There is no word for covering: of pictures with the model's own proportions this makes the same.
  const size =
    to === undefined || 'height' in to ? to : 'cover' in to ? to.cover : { shortest_edge: to.shortestEdge };
  return {
    // Both transformers and transformers.js know the older name.
    feature_extractor_type: 'BeitFeatureExtractor',
    do_resize: resize !== undefined,
    size: size ?? cropped,
    resample: RESAMPLE.indexOf(resize?.filter ?? 'bicubic'),
    do_center_crop: crop !== undefined,
    crop_size: cropped ?? size,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: normalization.mean,
    image_std: normalization.std,
    do_reduce_labels: false,
  };
}

/** A list for the channels each, or one number for all of them. @throws Error for others, and for deviations that are not above 0 */
export function normalizationBy(mean: unknown, std: unknown, channels: 1 | 3): Normalization {
  const all = listOf(mean, channels);
  const deviations = listOf(std, channels);
  if (!all || !deviations || all.length !== deviations.length || !deviations.every((value) => value > 0)) {
    throw new Error(
      `The images' mean ${JSON.stringify(mean)} and standard deviation ${JSON.stringify(std)} must be three numbers each, or one each for gray images, the latter positive.`,
    );
  }
  return { mean: all, std: deviations };
}

function listOf(value: unknown, channels: 1 | 3): PerChannel | undefined {
  if (typeof value === 'number') return perChannel(Array<number>(channels).fill(value));
  const isList = Array.isArray(value) && (value.length === 1 || value.length === 3);
  return isList && value.every((x): x is number => Number.isFinite(x)) ? perChannel(value) : undefined;
}

/** @param values one or three */
const perChannel = ([first, ...others]: readonly number[]): PerChannel =>
  others.length === 0 ? [first!] : [first!, others[0]!, others[1]!];

/** A number is a square for these processors. */
function resizedTo(size: unknown): NonNullable<Framing['resize']>['to'] {
  if (isJsonObject(size) && 'shortest_edge' in size && size.longest_edge === undefined)
    return { shortestEdge: side('size.shortest_edge', size.shortest_edge) };
  return sizeOf('size', size);
}

function sizeOf(name: string, size: unknown): Size {
  if (Array.isArray(size) && size.length === 2)
    return { height: side(name, size[0]), width: side(name, size[1]) };
  if (isJsonObject(size) && 'height' in size && 'width' in size)
    return { height: side(`${name}.height`, size.height), width: side(`${name}.width`, size.width) };
  if (typeof size !== 'number')
    throw wrong(name, size, `a number, height and width${name === 'size' ? ', or shortest_edge' : ''}`);
  return { height: side(name, size), width: side(name, size) };
}

function side(name: string, value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > MOST_PIXELS)
    throw wrong(name, value, `pixels, 1 to ${MOST_PIXELS}`);
  return value as number;
}

const wrong = (name: string, value: unknown, expected: string): Error =>
  new Error(`${name} is ${JSON.stringify(value)} in preprocessor_config.json; expected ${expected}.`);
