import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandomMasking, toMaskedPositions } from '@beit/masking';
import type { StepSize } from '@beit/measurements';
import { createMim } from '@beit/mim';
import type { Backbone } from '@beit/nn';
import { adamW, type Optimizer } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import {
  BEIT_BASE_PATCH16_224,
  createVit,
  drawDropPathKeeps,
  RELEASED_PRETRAIN,
  type Vit,
  type VitConfig,
} from '@beit/vit';
import { saveSafetensors, toTransformers } from '@beit/weights';
import { torchOptimizer } from '../shared/torchOptimizer';

/** Architectures to measure; `small` is for a quick look, its numbers mean nothing for the others. */
export const MODELS = {
  /** The paper's: absolute positions, no layer scale. */
  base: BEIT_BASE_PATCH16_224,
  /** The released code's: one relative position bias for all blocks, layer scale. */
  released: { ...BEIT_BASE_PATCH16_224, ...RELEASED_PRETRAIN },
  small: { ...BEIT_BASE_PATCH16_224, embedDim: 192, depth: 4, numHeads: 3 },
} as const satisfies Record<string, VitConfig>;
export type ModelName = keyof typeof MODELS;

export const VOCAB_SIZE = 8192;
const LEARNING_RATE = 1e-4;
const OPTIMIZER = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.05, clipNorm: 3 } as const;

export interface Task {
  readonly model: VitConfig;
  readonly batchSize: number;
  /** Masked patches of an image; 75 of 196 in BEiT. */
  readonly numMasked: number;
  /** Ours only, whose loss needs no other tokens after the last block than the masked: as ever, or computing all. */
  readonly lastBlock?: StepSize['lastBlock'];
}

/** One step's model, optimizer, parameters and batch: the same for every competitor. */
export function createTask({ model, batchSize, numMasked, lastBlock = 'masked' }: Task) {
  const vit = createVit(model);
  const backbone = lastBlock === 'masked' ? vit : allTokens(vit);
  const mim = createMim({ backbone, vocabSize: VOCAB_SIZE });
  const optimizer: Optimizer = adamW(OPTIMIZER);
  return {
    vit,
    mim,
    optimizer,
    params: mim.init(createRandom('benchmark', 'params')),
    batch: drawBatch(vit, batchSize, numMasked),
    scalars: (step: number) => optimizer.scalars(step, LEARNING_RATE),
  };
}

/** The same encoder, which gives the features of all tokens even where some would do. */
const allTokens = (vit: Vit): Backbone<'features'> => ({
  ...vit,
  encode: (params, patchEmbeddings, { dropPathKeeps } = {}) =>
    vit.encode(params, patchEmbeddings, { dropPathKeeps }),
});

function drawBatch(vit: ReturnType<typeof createVit>, batchSize: number, numMasked: number) {
  const [height, width] = vit.config.imageSize;
  const patches = vit.gridSize[0] * vit.gridSize[1];
  const random = createRandom('benchmark', 'batch');
  const masking = createRandomMasking({ gridSize: [...vit.gridSize], numMaskingPatches: numMasked });
  const masks = Array.from({ length: batchSize }, () => masking.generate(random));
  const { shape, positions, weights } = toMaskedPositions(masks, masking.maxMasked);
  const images = Float32Array.from({ length: batchSize * height * width * 3 }, () => random.normal());
  const tokens = Int32Array.from({ length: batchSize * patches }, () => random.integer(0, VOCAB_SIZE - 1));
  return {
    images: { dtype: 'float32', shape: [batchSize, height, width, 3], data: images },
    visualTokens: { dtype: 'int32', shape: [batchSize, patches], data: tokens },
    masked: {
      positions: { dtype: 'int32', shape, data: positions },
      weights: { dtype: 'float32', shape, data: weights },
    },
    dropPathKeeps: drawDropPathKeeps(vit.config, batchSize, random),
  } as const satisfies Record<string, HostTensor | Record<string, HostTensor>>;
}

/** A step as files for a peer: parameters under its names, the batch, and its own description of the model. */
export async function writePeerTask(
  folder: string,
  {
    params,
    batch,
    model,
  }: {
    readonly params: NamedTensors;
    readonly batch: ReturnType<typeof createTask>['batch'];
    readonly model: object;
  },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await saveSafetensors(join(folder, 'params.safetensors'), params);
  await saveSafetensors(join(folder, 'batch.safetensors'), {
    images: batch.images,
    visualTokens: batch.visualTokens,
    positions: batch.masked.positions,
    keeps: batch.dropPathKeeps,
  } as NamedTensors);
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({ model, optimizer: torchOptimizer(OPTIMIZER, LEARNING_RATE) }),
  );
}

/** The task as files for PyTorch: transformers' names and options. */
export async function writeTask(folder: string, task: Task): Promise<void> {
  const { vit, params, batch } = createTask(task);
  const { config } = vit;
  const model = {
    image_size: config.imageSize,
    patch_size: config.patchSize,
    hidden_size: config.embedDim,
    num_hidden_layers: config.depth,
    num_attention_heads: config.numHeads,
    intermediate_size: config.embedDim * config.mlpRatio,
    vocab_size: VOCAB_SIZE,
    use_mask_token: true,
    use_absolute_position_embeddings: config.useAbsPosEmb,
    use_relative_position_bias: config.useRelPosBias,
    use_shared_relative_position_bias: config.useSharedRelPosBias,
    layer_scale_init_value: config.layerScaleInit,
    drop_path_rate: config.dropPathRate,
    layer_norm_eps: config.layerNormEpsilon,
  };
  await writePeerTask(folder, { params: toTransformers(params, { version: 5 }), batch, model });
}
