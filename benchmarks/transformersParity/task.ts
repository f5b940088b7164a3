import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createClassifier } from '@beit/classification';
import { INCEPTION_NORMALIZATION } from '@beit/data';
import { createRandom, type Random } from '@beit/random';
import { createSegmenter } from '@beit/segmentation';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import {
  BEIT_BASE_PATCH16_224,
  createVit,
  RELEASED_FINETUNE,
  transformersConfig,
  type VitConfig,
} from '@beit/vit';
import { saveSafetensors, saveTransformers, stretchFraming, toTimm } from '@beit/weights';
import type * as tf from '@tensorflow/tfjs';

export type Peer = 'transformers' | 'timm';
export type Form = keyof typeof FORMS;

/** BEiT-B/16 at 224 pixels, and who has it in that form. */
export const FORMS = {
  /** A classifier with absolute positions, no layer scale. */
  paper: { model: BEIT_BASE_PATCH16_224, numClasses: 1000, peers: ['transformers'] },
  /** With a relative position bias in each block, and layer scale: that of the released models and of timm. */
  released: {
    model: { ...BEIT_BASE_PATCH16_224, ...RELEASED_FINETUNE },
    numClasses: 1000,
    peers: ['transformers', 'timm'],
  },
  /** A segmenter with UPerNet. */
  upernet: {
    model: { ...BEIT_BASE_PATCH16_224, ...RELEASED_FINETUNE },
    numClasses: 10,
    peers: ['transformers'],
  },
} as const satisfies Record<string, { model: VitConfig; numClasses: number; peers: readonly Peer[] }>;

/** The blocks that UPerNet takes. transformers takes features two blocks before its `out_indices`, and has none for the last two blocks. */
const BLOCKS = [1, 3, 5, 9] as const;
const OUT_INDICES = BLOCKS.map((block) => block + 2);

const NUM_IMAGES = 2;
/** transformers' default is 1e-12, timm's 1e-6. */
const LAYER_NORM_EPSILON = 1e-6;
/** What every parameter is moved by at random: initial biases, for instance, are 0 and would prove nothing. */
const SPREAD = 0.02;

/** A model, its parameters and images: the same for everyone, drawn from a seed. */
export function createTask(form: Form) {
  const { model, numClasses } = FORMS[form];
  const vit = createVit({ ...model, layerNormEpsilon: LAYER_NORM_EPSILON });
  const random = createRandom('transformers parity', form);
  const network =
    form === 'upernet'
      ? createSegmenter({ backbone: vit, numClasses, head: { kind: 'upernet', blocks: BLOCKS } })
      : createClassifier({
          backbone: vit,
          numClasses,
          pooling: 'mean',
          layerNormEpsilon: LAYER_NORM_EPSILON,
        });
  const { mask_token: _, ...initial } = network.init(random);
  const params: NamedTensors = Object.fromEntries(
    Object.entries(initial).map(([name, tensor]) => [name, spread(tensor, random)]),
  );
  const [height, width] = vit.config.imageSize;
  const shape = [NUM_IMAGES, height, width, 3];
  const images = Float32Array.from({ length: NUM_IMAGES * height * width * 3 }, () => random.normal());
  return {
    vit,
    numClasses,
    logits: network.logits as (params: Record<string, tf.Tensor>, images: tf.Tensor) => tf.Tensor,
    params,
    images: { dtype: 'float32', shape, data: images } as const,
  };
}

const spread = ({ shape, data }: HostTensor, random: Random): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data, (x) => x + SPREAD * random.normal()),
});

/** The task as files for a peer: a folder of transformers, or a config like it beside timm's names of the parameters. */
export async function writeTask(
  folder: string,
  { vit, numClasses, params, images }: ReturnType<typeof createTask>,
  peer: Peer,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const config = {
    ...transformersConfig(vit.config, { pooling: 'mean', numClasses }),
    out_indices: OUT_INDICES,
    use_auxiliary_head: false,
  };
  const preprocessing = {
    framing: stretchFraming(vit.config.imageSize),
    normalization: INCEPTION_NORMALIZATION,
  };
  await saveTransformers(folder, params, { config, preprocessing });
  if (peer === 'timm') await saveSafetensors(join(folder, 'model.safetensors'), toTimm(params));
  await saveSafetensors(join(folder, 'images.safetensors'), { images });
}
