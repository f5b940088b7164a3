import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adamW } from '@beit/optim';
import { createRandom } from '@beit/random';
import { createSegmenter, IGNORE_INDEX } from '@beit/segmentation';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { BEIT_BASE_PATCH16_224, createVit, transformersConfig, type VitConfig } from '@beit/vit';
import { saveSafetensors, toTransformers } from '@beit/weights';
import { torchOptimizer } from '../shared/torchOptimizer';

/** No dropped paths: every competitor would draw others. */
const BASE = { ...BEIT_BASE_PATCH16_224, imageSize: 512, dropPathRate: 0 };
/** Architectures to measure; `small` is for a quick look, its numbers mean nothing for the other. */
export const MODELS = {
  /** The paper's, for ADE20K. */
  base: BASE,
  small: { ...BASE, imageSize: 128, embedDim: 192, depth: 4, numHeads: 3 },
} as const satisfies Record<string, VitConfig>;
export type ModelName = keyof typeof MODELS;

/** `train` is a training step, `windows` the logits of windows, as evaluation asks for them. */
export type Work = 'train' | 'windows';

export interface Task {
  readonly work: Work;
  readonly model: VitConfig;
  readonly batchSize: number;
}

export const NUM_CLASSES = 150;
const LEARNING_RATE = 1e-4;
const OPTIMIZER = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.05, clipNorm: 3 } as const;

/** Model, optimizer, parameters and batch: the same for every competitor. SETR-PUP without auxiliary heads. */
export function createTask({ model, batchSize }: Task) {
  const vit = createVit(model);
  const segmenter = createSegmenter({ backbone: vit, numClasses: NUM_CLASSES });
  const optimizer = adamW(OPTIMIZER);
  const random = createRandom('benchmark', 'crops');
  const [height, width] = vit.config.imageSize;
  const shape = [batchSize, height, width];
  const pixels = shape.reduce((a, b) => a * b);
  const images = Float32Array.from({ length: pixels * 3 }, () => random.normal());
  // Some are ignored.
  const labels = Int32Array.from({ length: pixels }, () => {
    const label = random.integer(0, NUM_CLASSES + 5);
    return label < NUM_CLASSES ? label : IGNORE_INDEX;
  });
  return {
    vit,
    segmenter,
    optimizer,
    params: segmenter.init(createRandom('benchmark', 'params')),
    batch: {
      images: { dtype: 'float32', shape: [...shape, 3], data: images },
      labels: { dtype: 'int32', shape, data: labels },
    } as const satisfies Record<string, HostTensor>,
    scalars: (step: number) => optimizer.scalars(step, LEARNING_RATE),
  };
}

/** The task as files for the peer: its own names of the parameters, its own options. */
export async function writeTask(folder: string, task: Task): Promise<void> {
  const { vit, params, batch } = createTask(task);
  await mkdir(folder, { recursive: true });
  const isHead = (name: string) => name.startsWith('decode_head.');
  const part = (choose: (name: string) => boolean): NamedTensors =>
    Object.fromEntries(Object.entries(params).filter(([name]) => choose(name)));
  const backbone = toTransformers(
    part((name) => !isHead(name)),
    { version: 5 },
  );
  await saveSafetensors(join(folder, 'params.safetensors'), { ...backbone, ...part(isHead) });
  await saveSafetensors(join(folder, 'batch.safetensors'), batch);
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({
      work: task.work,
      model: transformersConfig(vit.config, { pooling: 'mean', numClasses: NUM_CLASSES }),
      ignore_index: IGNORE_INDEX,
      optimizer: torchOptimizer(OPTIMIZER, LEARNING_RATE),
    }),
  );
}
