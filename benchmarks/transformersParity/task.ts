import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createClassifier } from '@beit/classification';
import { INCEPTION_NORMALIZATION } from '@beit/data';
import { createRandom, type Random } from '@beit/random';
import {
  BEIT_BASE_PATCH16_224,
  createVit,
  RELEASED_FINETUNE,
  transformersConfig,
  type VitConfig,
} from '@beit/vit';
import { type HostTensor, type NamedTensors, saveSafetensors, saveTransformers, toTimm } from '@beit/weights';

export type Peer = 'transformers' | 'timm';
export type Form = keyof typeof FORMS;

/** BEiT-B/16 at 224 pixels, and who has it in that form. */
export const FORMS = {
  /** Absolute positions, no layer scale. */
  paper: { model: BEIT_BASE_PATCH16_224, peers: ['transformers'] },
  /** A relative position bias in each block, and layer scale: that of the released models and of timm. */
  released: { model: { ...BEIT_BASE_PATCH16_224, ...RELEASED_FINETUNE }, peers: ['transformers', 'timm'] },
} as const satisfies Record<string, { model: VitConfig; peers: readonly Peer[] }>;

const NUM_CLASSES = 1000;
const NUM_IMAGES = 2;
/** transformers' default is 1e-12, timm's 1e-6. */
const LAYER_NORM_EPSILON = 1e-6;
/** What every parameter is moved by at random: initial biases, for instance, are 0 and would prove nothing. */
const SPREAD = 0.02;

/** A classifier, its parameters and images: the same for everyone, drawn from a seed. */
export function createTask(form: Form) {
  const vit = createVit({ ...FORMS[form].model, layerNormEpsilon: LAYER_NORM_EPSILON });
  const classifier = createClassifier({
    backbone: vit,
    numClasses: NUM_CLASSES,
    pooling: 'mean',
    layerNormEpsilon: LAYER_NORM_EPSILON,
  });
  const random = createRandom('transformers parity', form);
  const { mask_token: _, ...initial } = classifier.init(random);
  const params: NamedTensors = Object.fromEntries(
    Object.entries(initial).map(([name, tensor]) => [name, spread(tensor, random)]),
  );
  const { imageSize } = vit.config;
  const shape = [NUM_IMAGES, imageSize, imageSize, 3];
  const images = Float32Array.from({ length: NUM_IMAGES * imageSize ** 2 * 3 }, () => random.normal());
  return { vit, classifier, params, images: { dtype: 'float32', shape, data: images } as const };
}

const spread = ({ shape, data }: HostTensor, random: Random): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data, (x) => x + SPREAD * random.normal()),
});

/** The task as files for a peer: a folder of transformers, or a config like it beside timm's names of the parameters. */
export async function writeTask(
  folder: string,
  { vit, params, images }: ReturnType<typeof createTask>,
  peer: Peer,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const config = transformersConfig(vit.config, { pooling: 'mean', numClasses: NUM_CLASSES });
  await saveTransformers(folder, params, { config, normalization: INCEPTION_NORMALIZATION });
  if (peer === 'timm') await saveSafetensors(join(folder, 'model.safetensors'), toTimm(params));
  await saveSafetensors(join(folder, 'images.safetensors'), { images });
}
