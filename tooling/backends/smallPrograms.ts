import { forwardStep } from '@beit/compile';
import { createDvae, type DvaeBatch, dvaeBatchSpecs, dvaeLoss, uniformNoise } from '@beit/dvae';
import { createBlockwiseMasking, toMaskedPositions } from '@beit/masking';
import { createMim, type MaskedPositions, pretrainLoss, toMask } from '@beit/mim';
import {
  adamW,
  asTreeLoss,
  gradientStep,
  type TreeLoss,
  trainState,
  trainStep,
  zeroGradients,
} from '@beit/optim';
import { createRandom } from '@beit/random';
import { type HostTensor, type NamedTensors, scalar, type Tree } from '@beit/tensors';
import { createVit, drawDropPathKeeps, type VitConfig } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import { type SmallProgram, smallProgram } from './runProgram';

type Tensors = Record<string, tf.Tensor>;
/** Makes a program, the same every time: all that is random in it comes from seeds. */
export type Make = () => SmallProgram;

const filled = (shape: readonly number[], draw: () => number): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw),
});
const int32 = (shape: readonly number[], data: ArrayLike<number>): HostTensor => ({
  dtype: 'int32',
  shape,
  data: Int32Array.from(data),
});

const VOCAB = 24;
const BATCH = 2;
const GRID = 4;
const PATCHES = GRID * GRID;

/** A ViT with the head of masked image modelling, and a batch for it. */
function smallMim(options: Partial<VitConfig> = {}) {
  const vit = createVit({
    imageSize: 32,
    patchSize: 32 / GRID,
    embedDim: 24,
    depth: 2,
    numHeads: 3,
    ...options,
  });
  const mim = createMim({ backbone: vit, vocabSize: VOCAB });
  const masking = createBlockwiseMasking({ gridSize: GRID, numMaskingPatches: 6, minNumPatches: 2 });
  const { positions, weights } = toMaskedPositions(
    [masking.generate(1), masking.generate(2)],
    masking.maxMasked,
  );
  const shape = [BATCH, masking.maxMasked];
  const random = createRandom('small batch');
  const batch = {
    images: filled([BATCH, 32, 32, 3], () => random.normal(0, 1)),
    visualTokens: int32(
      [BATCH, PATCHES],
      Array.from({ length: BATCH * PATCHES }, () => random.integer(0, VOCAB - 1)),
    ),
    masked: {
      positions: int32(shape, positions),
      weights: { dtype: 'float32', shape, data: Float32Array.from(weights) } as HostTensor,
    },
    ...(vit.config.dropPathRate > 0
      ? { dropPathKeeps: drawDropPathKeeps(vit.config, BATCH, createRandom(5)) }
      : {}),
  };
  return { vit, mim, params: scaledUp(mim.init(createRandom(1))), batch };
}

/** A dVAE with two groups, and a batch for it. */
function smallDvae() {
  const dvae = createDvae({
    vocabSize: VOCAB,
    hiddenDim: 8,
    decoderInitDim: 8,
    numGroups: 2,
    blocksPerGroup: 1,
  });
  const specs = dvaeBatchSpecs(dvae, { batchSize: BATCH, imageSize: 16 });
  const random = createRandom('small batch');
  const batch = {
    images: filled(specs.images.shape, () => random.uniform()),
    uniform: uniformNoise(specs.uniform.shape, 3, 0),
    temperature: filled([], () => 0.7),
    klWeight: filled([], () => 0.5),
    usageWeight: filled([], () => 0.1),
  };
  return { dvae, params: dvae.init(createRandom(2)), batch };
}

/** Parameters five times as large as they begin, so that attention and logits are not all but uniform. */
const scaledUp = (params: NamedTensors): NamedTensors =>
  Object.fromEntries(
    Object.entries(params).map(([name, tensor]) => [
      name,
      name.endsWith('weight') && tensor.shape.length > 1
        ? { ...tensor, data: (tensor.data as Float32Array).map((x) => 5 * x) }
        : tensor,
    ]),
  );

const optimizer = adamW({ weightDecay: 0.05, clipNorm: 3 });

/** What a user of a trained model runs. */
export const INFERENCE: Readonly<Record<string, Make>> = {
  'predicted visual tokens of masked patches, and attention maps': () => {
    const { vit, mim, params, batch } = smallMim({ useRelPosBias: true, layerScaleInit: 0.5 });
    const forward = (params: Tensors, { images, masked }: { images: tf.Tensor; masked: MaskedPositions }) => {
      const logits = mim.logits(params, images, toMask(masked, PATCHES));
      const patches = vit.embedPatches(params, images);
      const { attention } = vit.encode(params, patches, { withAttention: true });
      return { logits, tokens: tf.argMax(logits, 2), attention: attention.at(-1)! };
    };
    const { images, masked } = batch;
    return smallProgram(forwardStep(forward), params, () => ({ images, masked }));
  },
  'images to visual tokens and back': () => {
    const { dvae, params, batch } = smallDvae();
    const forward = (params: Tensors, { images }: { images: tf.Tensor }) => {
      const tokens = dvae.tokenize(params, images);
      return { tokens, images: dvae.decodeTokens(params, tokens, dvae.gridSize(16)) };
    };
    return smallProgram(forwardStep(forward), params, () => ({ images: batch.images }));
  },
};

/** What is there to be learned: a loss, parameters and a batch. */
interface Problem {
  readonly loss: TreeLoss;
  readonly params: NamedTensors;
  readonly batch: Tree<HostTensor>;
}

/** Every option of the ViT is in one of them. */
const PROBLEMS: Readonly<Record<string, () => Problem>> = {
  'masked image modelling': () => {
    const { mim, params, batch } = smallMim();
    return { loss: asTreeLoss(pretrainLoss(mim)), params, batch };
  },
  'masked image modelling with relative positions, layer scale and drop path': () => {
    const { mim, params, batch } = smallMim({
      useAbsPosEmb: false,
      useRelPosBias: true,
      layerScaleInit: 0.5,
      dropPathRate: 0.3,
    });
    return { loss: asTreeLoss(pretrainLoss(mim)), params, batch };
  },
  'masked image modelling with shared relative positions, without biases': () => {
    const { mim, params, batch } = smallMim({ useSharedRelPosBias: true, qkvBias: false });
    return { loss: asTreeLoss(pretrainLoss(mim)), params, batch };
  },
  'the discrete VAE': () => {
    const { dvae, params, batch } = smallDvae();
    return {
      loss: asTreeLoss((p: Tensors, b: DvaeBatch) => dvaeLoss(dvae, p, b)),
      params,
      batch,
    };
  },
};

const ofEachProblem = (program: (problem: Problem) => SmallProgram): Readonly<Record<string, Make>> =>
  Object.fromEntries(Object.entries(PROBLEMS).map(([name, make]) => [name, () => program(make())]));

/** Loss and gradients of one batch. */
export const GRADIENTS = ofEachProblem(({ loss, params, batch }) =>
  smallProgram(
    gradientStep(loss, optimizer),
    { params, gradients: zeroGradients(params, optimizer) },
    () => ({
      batch,
      weight: scalar(1),
      isFirst: scalar(1),
    }),
  ),
);

/** Training steps: forward, backward, clipping, AdamW. */
export const TRAINING = ofEachProblem(({ loss, params, batch }) =>
  smallProgram(trainStep(loss, optimizer), trainState(params, optimizer), (step) => ({
    batch,
    scalars: optimizer.scalars(step, 1e-3),
  })),
);
