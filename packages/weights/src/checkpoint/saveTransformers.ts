import type { NamedTensors } from '@beit/tensors';
import { toTransformers } from '../names/transformers';
import { nodeModule } from '../nodeModule';
import { saveSafetensors } from '../saveSafetensors';
import { writeFileAtomic } from '../writeFileAtomic';
import type { Normalization } from './normalization';
import { isJsonObject, type JsonObject } from './readJson';

export interface TransformersFiles {
  /** config.json, such as `transformersConfig` of `@beit/vit` makes; what the tensors tell is added. */
  readonly config: JsonObject;
  readonly normalization: Normalization;
  /**
   * The shorter side of a picture before its centre is cut out, pixels, at least the config's `image_size`. Left out: the
   * whole picture is squeezed into the square, as the released models want it.
   */
  readonly shorterSide?: number;
  /** How pictures are resized. Default 'bicubic'. */
  readonly resample?: keyof typeof RESAMPLE;
  /** A program for transformers.js, from `pixel_values` to `logits`, as `exportOnnx` of `@beit/compile` makes one. */
  readonly onnx?: Uint8Array;
}

/** Pillow's numbers of its filters, which transformers uses. */
const RESAMPLE = { lanczos: 1, bilinear: 2, bicubic: 3 } as const;

/**
 * Writes a folder (Node) that transformers 4 and 5 load, `BeitForImageClassification.from_pretrained(folder)`, or
 * `BeitForMaskedImageModeling` if the tensors have a vocabulary head: `model.safetensors`, `config.json` and
 * `preprocessor_config.json`; with `onnx` also transformers.js, `pipeline('image-classification', folder)`:
 * `onnx/model.onnx`. Each file is written atomically, the weights last.
 *
 * @param tensors official names
 * @returns the paths that were written
 * @throws Error when the head does not have as many rows as the config has classes, RangeError for a `shorterSide` below
 *   the model's
 */
export async function saveTransformers(
  folder: string,
  tensors: NamedTensors,
  { config, normalization: { mean, std }, shorterSide, resample = 'bicubic', onnx }: TransformersFiles,
): Promise<string[]> {
  const { mkdir } = nodeModule('node:fs/promises');
  const { join } = nodeModule('node:path');
  assertClasses(tensors, config);
  const side = config.image_size;
  if (shorterSide !== undefined && !(Number.isInteger(shorterSide) && shorterSide >= Number(side))) {
    throw new RangeError(`shorterSide is ${shorterSide}; expected an integer of at least ${side}.`);
  }
  const square = { height: side, width: side };
  const preprocessor = {
    // Both transformers and transformers.js know the older name.
    feature_extractor_type: 'BeitFeatureExtractor',
    do_resize: true,
    size: shorterSide === undefined ? square : { shortest_edge: shorterSide },
    resample: RESAMPLE[resample],
    do_center_crop: shorterSide !== undefined,
    crop_size: square,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
    do_reduce_labels: false,
  };
  const files: [name: string, pieces: readonly Uint8Array[]][] = [
    ['config.json', json({ ...config, ...toldBy(tensors), ...(onnx && ONNX_CONFIG) })],
    ['preprocessor_config.json', json(preprocessor)],
    ...(onnx ? [['onnx/model.onnx', [onnx]] as [string, Uint8Array[]]] : []),
  ];
  const renamed = toTransformers(tensors, { version: 4 });
  await mkdir(onnx ? join(folder, 'onnx') : folder, { recursive: true });
  for (const [name, pieces] of files) await writeFileAtomic(join(folder, name), pieces);
  const weights = join(folder, 'model.safetensors');
  // transformers asks for the format.
  await saveSafetensors(weights, renamed, { format: 'pt' });
  return [...files.map(([name]) => join(folder, name)), weights];
}

/** There is one file, in float32; in browsers the default would be a quantized one. */
const ONNX_CONFIG: JsonObject = { 'transformers.js_config': { dtype: 'fp32' } };

function toldBy(tensors: NamedTensors): JsonObject {
  const vocabulary = tensors['lm_head.weight'];
  const architecture = vocabulary
    ? 'BeitForMaskedImageModeling'
    : 'head.weight' in tensors
      ? 'BeitForImageClassification'
      : 'decode_head.conv_seg.weight' in tensors
        ? 'BeitForSemanticSegmentation'
        : 'BeitModel';
  return {
    architectures: [architecture],
    use_mask_token: 'mask_token' in tensors,
    ...(vocabulary ? { vocab_size: vocabulary.shape[0] } : {}),
  };
}

function assertClasses(tensors: NamedTensors, { id2label }: JsonObject): void {
  const rows = tensors['head.weight']?.shape[0];
  const classes = isJsonObject(id2label) ? Object.keys(id2label).length : undefined;
  if (rows !== undefined && rows !== classes) {
    throw new Error(
      `The head has ${rows} classes, but the config's id2label names ${classes ?? 'none'}; give as many.`,
    );
  }
}

/** Fields that transformers 5 refuses as integers, whereas `JSON.stringify(0.0)` is 0. */
const FLOATS = /^( {2}"(?:layer_scale_init_value|layer_norm_eps)": -?\d+)(?=,?$)/gm;

const json = (value: object) => [
  new TextEncoder().encode(`${JSON.stringify(value, null, 2).replace(FLOATS, '$1.0')}\n`),
];
