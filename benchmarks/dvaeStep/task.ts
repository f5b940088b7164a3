import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDvae, DALL_E, uniformNoise } from '@beit/dvae';
import { adamW } from '@beit/optim';
import { createRandom } from '@beit/random';
import { type HostTensor, type NamedTensors, scalar } from '@beit/tensors';
import { saveSafetensors } from '@beit/weights';
import { torchOptimizer } from '../shared/torchOptimizer';

/** `train` is a training step of the whole dVAE, `tokenize` the encoder alone and the most likely tokens. */
export type Work = 'train' | 'tokenize';

export interface Task {
  readonly work: Work;
  /** Width of the first group; DALL-E's is 256. All other sizes are DALL-E's. */
  readonly hiddenDim: number;
  readonly batchSize: number;
}

export const IMAGE_SIZE = 112;
const LEARNING_RATE = 1e-4;
const OPTIMIZER = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 1e-4, clipNorm: 4 } as const;
const TEMPERATURE = 1;
/** The paper's final weight. */
const KL_WEIGHT = 6.6;

/** Model, optimizer, parameters and batch: the same for every competitor. */
export function createTask({ work, hiddenDim, batchSize }: Task) {
  const dvae = createDvae({ ...DALL_E, hiddenDim });
  const [rows, columns] = dvae.gridSize(IMAGE_SIZE);
  const random = createRandom('benchmark', 'images');
  const shape = [batchSize, IMAGE_SIZE, IMAGE_SIZE, 3];
  const images: HostTensor = {
    dtype: 'float32',
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.uniform()),
  };
  const params = dvae.init(createRandom('benchmark', 'params'));
  const encoder = Object.fromEntries(Object.entries(params).filter(([name]) => name.startsWith('encoder.')));
  const optimizer = adamW({ ...OPTIMIZER, decays: (_name, { length }) => length > 1 });
  return {
    dvae,
    optimizer,
    params: work === 'train' ? params : encoder,
    images,
    batch: {
      images,
      uniform: uniformNoise([batchSize, rows, columns, dvae.config.vocabSize], 0, 0),
      temperature: scalar(TEMPERATURE),
      klWeight: scalar(KL_WEIGHT),
      usageWeight: scalar(0),
    },
    scalars: (step: number) => optimizer.scalars(step, LEARNING_RATE),
  };
}

/** The task as files for the peer. */
export async function writeTask(folder: string, task: Task): Promise<void> {
  const { dvae, params, batch } = createTask(task);
  await mkdir(folder, { recursive: true });
  await saveSafetensors(join(folder, 'params.safetensors'), params);
  const { images, uniform } = batch;
  await saveSafetensors(join(folder, 'batch.safetensors'), { images, uniform } satisfies NamedTensors);
  const { config } = dvae;
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({
      work: task.work,
      model: {
        vocab_size: config.vocabSize,
        n_hid: config.hiddenDim,
        n_init: config.decoderInitDim,
        group_count: config.numGroups,
        n_blk_per_group: config.blocksPerGroup,
      },
      temperature: TEMPERATURE,
      kl_weight: KL_WEIGHT,
      optimizer: torchOptimizer(OPTIMIZER, LEARNING_RATE),
    }),
  );
}
