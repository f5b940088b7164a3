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
import { type HostTensor, imageSides, type NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { type HeldOut, withoutFilling } from './heldOut';
import type { PretrainRecipe } from './recipe';
import { decibels } from './targets/patchErrors';

type Tensors = Record<string, tf.Tensor>;

export interface TokenizerMetrics {
  readonly usage: CodebookUsage;
  /** KL(q || uniform), nats per image. */
  readonly kl: number;
  /** Of a tokenizer that has a decoder. */
  readonly decoded?: DecoderMetrics;
}

export interface DecoderMetrics {
  /** The reconstruction from the most likely tokens, dB. */
  readonly psnr: number;
  /** Answering with the mean of these very images, dB. */
  readonly meanImagePsnr: number;
  /** Nats per image: -log p(x | z) for the most likely tokens and for tokens drawn from q. */
  readonly argmaxNll: number;
  readonly sampledNll: number;
}

export interface TokenizedBatch {
  /** `[batch, patches]` int32. */
  readonly tokens: HostTensor;
  /** `[batch, height, width, 3]` in [0, 1], where there is a decoder. */
  readonly reconstruction?: HostTensor;
}

/**
 * Measures a tokenizer on held-out images; the program is compiled once.
 *
 * @param withDecoder whether the tokenizers have one; what it would tell is left out otherwise
 */
export async function tokenizerEvaluation(
  dvae: Dvae,
  heldOut: HeldOut,
  recipe: PretrainRecipe,
  engine: EngineOptions,
  { withDecoder }: { readonly withDecoder: boolean },
) {
  const gridSize = dvae.gridSize(recipe.views.tokenImageSize);
  const { vocabSize } = dvae.config;
  const measured = (params: Tensors, { images, uniform }: { images: tf.Tensor; uniform: tf.Tensor }) => {
    const logits = dvae.encode(params, images);
    const [batch] = logits.shape;
    const oneHot = (tokens: tf.Tensor) =>
      tf.reshape(tf.cast(tf.oneHot(tf.reshape(tokens, [-1]) as tf.Tensor1D, vocabSize), 'float32'), [
        batch,
        ...gridSize,
        vocabSize,
      ]);
    const nll = (tokens: tf.Tensor) => {
      const distribution = dvae.decode(params, oneHot(tokens));
      return tf.sum(logitLaplaceNll(mapPixels(images), distribution), [1, 2, 3]);
    };
    const best = tf.argMax(logits, 3);
    const tokens = tf.reshape(best, [batch, gridSize[0] * gridSize[1]]);
    const decoded = () => ({
      reconstruction: dvae.decodeTokens(params, tokens, gridSize),
      argmaxNll: nll(best),
      // The Gumbel-max trick: an exact draw from q.
      sampledNll: nll(tf.argMax(tf.add(logits, gumbelNoise(uniform)), 3)),
    });
    return {
      tokens,
      kl: tf.sum(klToUniform(logits), [1, 2]),
      ...(withDecoder && { decoded: decoded() }),
    };
  };
  const initial = Object.entries(dvae.init(createRandom(0)));
  const program = await compileForward(
    measured,
    {
      params: Object.fromEntries(initial.filter(([name]) => withDecoder || name.startsWith('encoder.'))),
      inputs: {
        images: {
          dtype: 'float32',
          shape: [heldOut.batchSize, ...imageSides(recipe.views.tokenImageSize), 3],
        },
        uniform: { dtype: 'float32', shape: [heldOut.batchSize, ...gridSize, vocabSize] },
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
      const means = { argmaxNll: 0, sampledNll: 0 };
      let kl = 0;
      const error = meanSquaredErrors(heldOut);
      for (const [i, batch] of heldOut.batches.entries()) {
        const uniform = uniformNoise([heldOut.batchSize, ...gridSize, vocabSize], recipe.seed, i);
        const out = await program.run({ images: batch.tokenImages, uniform });
        own(i, out.kl).forEach((nats) => {
          kl += nats / heldOut.count;
        });
        const { tokens, decoded } = out;
        tokenized.push({ tokens, ...(decoded && { reconstruction: decoded.reconstruction }) });
        if (!decoded) continue;
        error.add(own(i, decoded.reconstruction), own(i, batch.tokenImages));
        for (const name of ['argmaxNll', 'sampledNll'] as const)
          own(i, decoded[name]).forEach((nats) => {
            means[name] += nats / heldOut.count;
          });
      }
      const all = function* () {
        for (const [i, { tokens }] of tokenized.entries()) yield* own(i, tokens);
      };
      const usage = codebookUsage(all(), vocabSize);
      const decoded = { ...means, ...error.psnr() };
      return { tokenized, metrics: { usage, kl, ...(withDecoder && { decoded }) } };
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
  const difference = squares - count * mean.reduce((sum, x) => sum + x * x, 0);
  // Of images that are all alike only the rounding of the sums is left, of either sign.
  const meanError = difference < 1e-9 * squares ? 0 : difference;
  let ours = 0;
  const dB = (sum: number) => decibels(sum / (count * pixels));
  return {
    add(actual: HostTensor['data'], expected: HostTensor['data']) {
      for (let i = 0; i < expected.length; i++) ours += (actual[i]! - expected[i]!) ** 2;
    },
    psnr: () => ({ psnr: dB(ours), meanImagePsnr: dB(meanError) }),
  };
}
