import type { NamedTensors } from '@beit/tensors';
import { makeFolder } from '@beit/tensors';
import { toTransformers } from '../names/transformers';
import { nodeModule } from '../nodeModule';
import { saveSafetensors } from '../saveSafetensors';
import { writeFileAtomic } from '../writeFileAtomic';
import { framedSize, type Preprocessing } from './preprocessing';
import { isJsonObject, type JsonObject } from './readJson';
import { transformersProcessor } from './transformersProcessor';

export interface TransformersFiles {
  /** config.json, such as `transformersConfig` of `@beit/vit` makes; what the tensors tell is added. */
  readonly config: JsonObject;
  /** What is done to pictures, whose size then is the config's `image_size`. */
  readonly preprocessing: Preprocessing;
  /** A program for transformers.js, from `pixel_values` to `logits`, as `exportOnnx` of `@beit/compile` makes one. */
  readonly onnx?: Uint8Array;
}

/**
 * Writes a folder (Node) that transformers 4 and 5 load, `BeitForImageClassification.from_pretrained(folder)`, or
 * `BeitForMaskedImageModeling` if the tensors have a vocabulary head: `model.safetensors`, `config.json` and
 * `preprocessor_config.json`; with `onnx` also transformers.js, `pipeline('image-classification', folder)`:
 * `onnx/model.onnx`. Each file is written atomically, the weights last.
 *
 * @param tensors official names
 * @returns the paths that were written
 * @throws Error when the head does not have as many rows as the config has classes, RangeError when pictures come to
 *   another size than the model's
 */
export async function saveTransformers(
  folder: string,
  tensors: NamedTensors,
  { config, preprocessing, onnx }: TransformersFiles,
): Promise<string[]> {
  const { join } = nodeModule('node:path');
  assertClasses(tensors, config);
  assertSize(preprocessing, config);
  const files: [name: string, pieces: readonly Uint8Array[]][] = [
    ['config.json', json({ ...config, ...toldBy(tensors), ...(onnx && ONNX_CONFIG) })],
    ['preprocessor_config.json', json(transformersProcessor(preprocessing))],
    ...(onnx ? [['onnx/model.onnx', [onnx]] as [string, Uint8Array[]]] : []),
  ];
  const renamed = toTransformers(tensors, { version: 4 });
  await makeFolder(onnx ? join(folder, 'onnx') : folder);
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

function assertSize({ framing }: Preprocessing, { image_size: stated }: JsonObject): void {
  const size = framedSize(framing);
  if (stated === undefined || !size) return;
  const [height, width]: unknown[] = Array.isArray(stated) ? stated : [stated, stated];
  if (size.height !== height || size.width !== width)
    throw new RangeError(
      `The preprocessing makes pictures of ${size.width}x${size.height} pixels; expected ${width}x${height}, the config's image_size.`,
    );
}

/** Fields that transformers 5 refuses as integers, whereas `JSON.stringify(0.0)` is 0. */
const FLOATS = /^( {2}"(?:layer_scale_init_value|layer_norm_eps)": -?\d+)(?=,?$)/gm;

const json = (value: object) => [
  new TextEncoder().encode(`${JSON.stringify(value, null, 2).replace(FLOATS, '$1.0')}\n`),
];
