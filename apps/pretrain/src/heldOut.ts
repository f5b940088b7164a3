import type { EngineOptions } from '@beit/apps-shared';
import { compile, type Program } from '@beit/compile';
import { type Batch, createLoader, type ImageSource, patchCoverage } from '@beit/data';
import {
  type CodebookUsage,
  codebookUsage,
  type Dvae,
  gumbelNoise,
  klToUniform,
  logitLaplaceNll,
  mapPixels,
  uniformNoise,
} from '@beit/dvae';
import type { Mim } from '@beit/mim';
import { sparseCrossEntropy } from '@beit/nn';
import type { Vit } from '@beit/vit';
import type { HostTensor, NamedTensors } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import type { PretrainRecipe } from './recipe';
import { plainViews } from './views';

type Tensors = Record<string, tf.Tensor>;

const LARGEST_BATCH = 64;

/** Held-out images, prepared once: the same crops and masks at every evaluation. */
export interface HeldOut {
  /** All of `batchSize` images, as compiled programs want them; the last one is filled up with images of the first. */
  readonly batches: readonly Batch[];
  readonly batchSize: number;
  /** Different images in all. */
  readonly count: number;
}

export async function loadHeldOut(recipe: PretrainRecipe, source: ImageSource): Promise<HeldOut> {
  const count = source.names.length;
  const batchSize = Math.min(count, LARGEST_BATCH);
  const loader = createLoader({
    source,
    batchSize,
    seed: recipe.seed,
    views: plainViews(recipe),
    masking: recipe.mim.masking,
    shuffle: false,
    dropLast: false,
    workers: 0,
  });
  const batches: Batch[] = [];
  for (let step = 0; step < loader.stepsPerEpoch; step++) batches.push(await loader.batch(step));
  await loader.close();
  return { batches, batchSize, count };
}

/** What a batch holds, without what fills it up: a tensor's first rows. */
function withoutFilling({ batchSize, count }: HeldOut, batch: number, { data, shape }: HostTensor) {
  const images = Math.min(batchSize, count - batch * batchSize);
  return data.subarray(0, (data.length / shape[0]!) * images);
}

export interface TokenizerMetrics {
  /** Of the reconstruction from the most likely tokens, dB. */
  readonly psnr: number;
  /** Of answering with the mean of these very images, dB. */
  readonly meanImagePsnr: number;
  readonly usage: CodebookUsage;
  /** Nats per image: -log p(x | z) for the most likely tokens and for tokens drawn from q, and KL(q || uniform). */
  readonly argmaxNll: number;
  readonly sampledNll: number;
  readonly kl: number;
}

export interface TokenizedBatch {
  /** `[batch, patches]` int32. */
  readonly tokens: HostTensor;
  /** `[batch, tokenImageSize, tokenImageSize, 3]` in [0, 1]. */
  readonly reconstruction: HostTensor;
}

/** Measures a tokenizer on held-out images; the program is compiled once. */
export async function tokenizerEvaluation(
  dvae: Dvae,
  params: NamedTensors,
  heldOut: HeldOut,
  recipe: PretrainRecipe,
  engine: EngineOptions,
) {
  const size = recipe.views.tokenImageSize;
  const side = size / dvae.downsampling;
  const { vocabSize } = dvae.config;
  const step = (state: Tensors, { images, uniform }: { images: tf.Tensor; uniform: tf.Tensor }) => {
    const logits = dvae.encode(state, images);
    const [batch] = logits.shape;
    const oneHot = (tokens: tf.Tensor) =>
      tf.reshape(tf.cast(tf.oneHot(tf.reshape(tokens, [-1]) as tf.Tensor1D, vocabSize), 'float32'), [
        batch,
        side,
        side,
        vocabSize,
      ]);
    const nll = (tokens: tf.Tensor) => {
      const distribution = dvae.decode(state, oneHot(tokens));
      return tf.sum(logitLaplaceNll(mapPixels(images), distribution), [1, 2, 3]);
    };
    const best = tf.argMax(logits, 3);
    const tokens = tf.reshape(best, [batch, side * side]);
    return {
      state,
      outputs: {
        tokens: tokens as tf.Tensor,
        reconstruction: dvae.decodeTokens(state, tokens, [side, side]) as tf.Tensor,
        argmaxNll: nll(best),
        // The Gumbel-max trick: an exact draw from q.
        sampledNll: nll(tf.argMax(tf.add(logits, gumbelNoise(uniform)), 3)),
        kl: tf.sum(klToUniform(logits), [1, 2]),
      },
    };
  };
  const program = await compile(
    step,
    {
      state: params,
      inputs: {
        images: { dtype: 'float32', shape: [heldOut.batchSize, size, size, 3] },
        uniform: { dtype: 'float32', shape: [heldOut.batchSize, side, side, vocabSize] },
      },
    },
    engine,
  );

  const own = (batch: number, tensor: HostTensor) => withoutFilling(heldOut, batch, tensor);
  return {
    async evaluate(
      current: NamedTensors,
    ): Promise<{ metrics: TokenizerMetrics; tokenized: TokenizedBatch[] }> {
      await program.writeState(current);
      const tokenized: TokenizedBatch[] = [];
      const means = { argmaxNll: 0, sampledNll: 0, kl: 0 };
      const error = meanSquaredErrors(heldOut);
      for (const [i, batch] of heldOut.batches.entries()) {
        const uniform = uniformNoise([heldOut.batchSize, side, side, vocabSize], recipe.seed, i);
        const out = await program.run({ images: batch.tokenImages, uniform });
        tokenized.push({ tokens: out.tokens, reconstruction: out.reconstruction });
        error.add(own(i, out.reconstruction), own(i, batch.tokenImages));
        for (const name of ['argmaxNll', 'sampledNll', 'kl'] as const)
          own(i, out[name]).forEach((nats) => {
            means[name] += nats / heldOut.count;
          });
      }
      const all = function* () {
        for (const [i, { tokens }] of tokenized.entries()) yield* own(i, tokens);
      };
      return { tokenized, metrics: { ...means, ...error.psnr(), usage: codebookUsage(all(), vocabSize) } };
    },
    dispose: () => program.dispose(),
  };
}

/** Squared error of reconstructions, and of the mean image. */
function meanSquaredErrors(heldOut: HeldOut) {
  const { batches, batchSize, count } = heldOut;
  const pixels = batches[0]!.tokenImages.data.length / batchSize;
  const mean = new Float64Array(pixels);
  let squares = 0;
  for (const [batch, { tokenImages }] of batches.entries()) {
    withoutFilling(heldOut, batch, tokenImages).forEach((x, i) => {
      mean[i % pixels]! += x / count;
      squares += x * x;
    });
  }
  const meanError = squares - count * mean.reduce((sum, x) => sum + x * x, 0);
  let ours = 0;
  const dB = (sum: number) => -10 * Math.log10(sum / (count * pixels));
  return {
    add(actual: HostTensor['data'], expected: HostTensor['data']) {
      for (let i = 0; i < expected.length; i++) ours += (actual[i]! - expected[i]!) ** 2;
    },
    psnr: () => ({ psnr: dB(ours), meanImagePsnr: dB(meanError) }),
  };
}

export interface MimMetrics {
  /** Mean cross-entropy of masked tokens, nats. */
  readonly loss: number;
  /** Share of masked tokens predicted exactly, over all patches and over those that the object mostly covers. */
  readonly mimAccuracy: number;
  readonly objectAccuracy: number;
  /** What always answering the most frequent of these very tokens reaches. */
  readonly mostFrequent: number;
  readonly objectMostFrequent: number;
  /** Nats per image: -Σ log p of the masked tokens, and of all. */
  readonly maskedTokenNll: number;
  readonly allTokensNll: number;
  readonly maskedPatches: number;
}

/** A patch counts as the object's when more than half of it is opaque. */
const OBJECT_COVERAGE = 0.5;

/** Measures masked image modelling on held-out images; the program is compiled once. */
export async function mimEvaluation(
  mim: Mim,
  params: NamedTensors,
  heldOut: HeldOut,
  recipe: PretrainRecipe,
  engine: EngineOptions,
) {
  const [rows, columns] = mim.backbone.gridSize;
  const patches = rows * columns;
  const { imageSize } = recipe.mim.model;
  const { batchSize } = heldOut;
  const step = (
    state: Tensors,
    { images, mask, tokens }: { images: tf.Tensor; mask: tf.Tensor; tokens: tf.Tensor },
  ) => {
    const logits = mim.logits(state, images, mask);
    const flat = tf.reshape(logits, [batchSize * patches, mim.vocabSize]);
    return {
      state,
      outputs: {
        predictions: tf.argMax(logits, 2) as tf.Tensor,
        nll: tf.reshape(sparseCrossEntropy(flat, tf.reshape(tokens, [-1])), [
          batchSize,
          patches,
        ]) as tf.Tensor,
      },
    };
  };
  const program: Program<
    Tensors,
    { images: tf.Tensor; mask: tf.Tensor; tokens: tf.Tensor },
    { predictions: tf.Tensor; nll: tf.Tensor }
  > = await compile(
    step,
    {
      state: params,
      inputs: {
        images: { dtype: 'float32', shape: [batchSize, imageSize, imageSize, 3] },
        mask: { dtype: 'float32', shape: [batchSize, patches] },
        tokens: { dtype: 'int32', shape: [batchSize, patches] },
      },
    },
    engine,
  );
  const masks = heldOut.batches.map((batch): HostTensor => {
    const data = new Float32Array(batchSize * patches);
    batch.masks.forEach((mask, i) => {
      data.set(mask, i * patches);
    });
    return { dtype: 'float32', shape: [batchSize, patches], data };
  });
  const coverage = heldOut.batches.map(({ opacity }) => coverageOf(opacity, [rows, columns]));

  return {
    async evaluate(
      current: NamedTensors,
      tokenized: readonly TokenizedBatch[],
    ): Promise<{ metrics: MimMetrics; predictions: HostTensor[] }> {
      await program.writeState(current);
      const everywhere = accuracyCounter(mim.vocabSize);
      const onObjects = accuracyCounter(mim.vocabSize);
      const predictions: HostTensor[] = [];
      let maskedNll = 0;
      let allNll = 0;
      for (const [i, batch] of heldOut.batches.entries()) {
        const { tokens } = tokenized[i]!;
        const out = await program.run({ images: batch.images, mask: masks[i]!, tokens });
        predictions.push(out.predictions);
        withoutFilling(heldOut, i, masks[i]!).forEach((masked, k) => {
          allNll += out.nll.data[k]!;
          if (masked === 0) return;
          maskedNll += out.nll.data[k]!;
          everywhere.add(tokens.data[k]!, out.predictions.data[k]!);
          if (coverage[i]![k]! > OBJECT_COVERAGE) onObjects.add(tokens.data[k]!, out.predictions.data[k]!);
        });
      }
      const all = everywhere.result();
      const object = onObjects.result();
      return {
        predictions,
        metrics: {
          loss: maskedNll / all.count,
          mimAccuracy: all.accuracy,
          objectAccuracy: object.accuracy,
          mostFrequent: all.mostFrequent,
          objectMostFrequent: object.mostFrequent,
          maskedTokenNll: maskedNll / heldOut.count,
          allTokensNll: allNll / heldOut.count,
          maskedPatches: all.count / heldOut.count,
        },
      };
    },
    dispose: () => program.dispose(),
  };
}

/** Object coverage of every patch of a batch, `[batch * patches]`. */
export function coverageOf(opacity: HostTensor, gridSize: readonly [number, number]): Float32Array {
  const [batch, h, w] = opacity.shape as [number, number, number];
  const patches = gridSize[0] * gridSize[1];
  const result = new Float32Array(batch * patches);
  for (let i = 0; i < batch; i++) {
    const own = (opacity.data as Float32Array).subarray(i * h * w, (i + 1) * h * w);
    result.set(patchCoverage(own, gridSize), i * patches);
  }
  return result;
}

function accuracyCounter(vocabSize: number) {
  const counts = new Float64Array(vocabSize);
  let count = 0;
  let right = 0;
  return {
    add(token: number, prediction: number) {
      counts[token]! += 1;
      count += 1;
      if (token === prediction) right += 1;
    },
    result: () => ({ count, accuracy: right / count, mostFrequent: Math.max(...counts) / count }),
  };
}

/** Attention of the last block, `[images, numHeads, tokens, tokens]`, of whole images. */
export async function lastAttention(
  vit: Vit,
  params: NamedTensors,
  images: HostTensor,
  engine: EngineOptions,
): Promise<HostTensor> {
  const program = await compile(
    (state: Tensors, inputs: { images: tf.Tensor }) => {
      const embedded = vit.embedPatches(state, inputs.images);
      const { attention } = vit.encode(state, embedded, { withAttention: true });
      return { state, outputs: { attention: attention.at(-1)! as tf.Tensor } };
    },
    { state: params, inputs: { images: { dtype: 'float32', shape: images.shape } } },
    engine,
  );
  const { attention } = await program.run({ images });
  await program.dispose();
  return attention;
}
