import type { NamedTensors } from '../hostTensor';
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
}

/** Of PIL, whose numbers transformers uses. */
const BICUBIC = 3;

/**
 * Writes a folder (Node) that transformers 4 and 5 load, `BeitForImageClassification.from_pretrained(folder)`, or
 * `BeitForMaskedImageModeling` if the tensors have a vocabulary head: `model.safetensors`, `config.json` and
 * `preprocessor_config.json`. Each file is written atomically, the weights last.
 *
 * @param tensors official names
 * @throws Error when the head does not have as many rows as the config has classes
 */
export async function saveTransformers(
  folder: string,
  tensors: NamedTensors,
  { config, normalization: { mean, std } }: TransformersFiles,
): Promise<void> {
  const { mkdir } = nodeModule('node:fs/promises');
  const { join } = nodeModule('node:path');
  assertClasses(tensors, config);
  const side = config.image_size;
  const preprocessor = {
    image_processor_type: 'BeitImageProcessor',
    do_resize: true,
    size: { height: side, width: side },
    resample: BICUBIC,
    do_center_crop: false,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
  };
  const renamed = toTransformers(tensors, { version: 4 });
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(join(folder, 'config.json'), json({ ...config, ...toldBy(tensors) }));
  await writeFileAtomic(join(folder, 'preprocessor_config.json'), json(preprocessor));
  // transformers asks for the format.
  await saveSafetensors(join(folder, 'model.safetensors'), renamed, { format: 'pt' });
}

function toldBy(tensors: NamedTensors): JsonObject {
  const vocabulary = tensors['lm_head.weight'];
  const architecture = vocabulary
    ? 'BeitForMaskedImageModeling'
    : 'head.weight' in tensors
      ? 'BeitForImageClassification'
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
