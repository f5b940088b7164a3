import type { EngineOptions } from '@beit/cli';
import { compileForward } from '@beit/compile';
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
import { createRandom } from '@beit/random';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { type HeldOut, withoutFilling } from './heldOut';
import type { PretrainRecipe } from './recipe';

type Tensors = Record<string, tf.Tensor>;

export interface TokenizerMetrics {
  /** The reconstruction from the most likely tokens, dB. */
  readonly psnr: number;
  /** Answering with the mean of these very images, dB. */
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
  heldOut: HeldOut,
  recipe: PretrainRecipe,
  engine: EngineOptions,
) {
  const size = recipe.views.tokenImageSize;
  const side = size / dvae.downsampling;
  const { vocabSize } = dvae.config;
  const measured = (params: Tensors, { images, uniform }: { images: tf.Tensor; uniform: tf.Tensor }) => {
    const logits = dvae.encode(params, images);
    const [batch] = logits.shape;
    const oneHot = (tokens: tf.Tensor) =>
      tf.reshape(tf.cast(tf.oneHot(tf.reshape(tokens, [-1]) as tf.Tensor1D, vocabSize), 'float32'), [
        batch,
        side,
        side,
        vocabSize,
      ]);
    const nll = (tokens: tf.Tensor) => {
      const distribution = dvae.decode(params, oneHot(tokens));
      return tf.sum(logitLaplaceNll(mapPixels(images), distribution), [1, 2, 3]);
    };
    const best = tf.argMax(logits, 3);
    const tokens = tf.reshape(best, [batch, side * side]);
    return {
      tokens,
      reconstruction: dvae.decodeTokens(params, tokens, [side, side]),
      argmaxNll: nll(best),
      // The Gumbel-max trick: an exact draw from q.
      sampledNll: nll(tf.argMax(tf.add(logits, gumbelNoise(uniform)), 3)),
      kl: tf.sum(klToUniform(logits), [1, 2]),
    };
  };
  const program = await compileForward(
    measured,
    {
      params: dvae.init(createRandom(0)),
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
