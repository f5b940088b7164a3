import type { EngineOptions } from '@beit/cli';
import { compileForward } from '@beit/compile';
import type { Mim } from '@beit/mim';
import { sparseCrossEntropy } from '@beit/nn';
import { createRandom } from '@beit/random';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { resolveVitConfig } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import { type HeldOut, masksOf, objectPatches, withoutFilling } from '../heldOut';
import type { PretrainRecipe } from '../recipe';
import type { TokenizedBatch } from '../tokenizerEvaluation';

type Tensors = Record<string, tf.Tensor>;

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

/** Measures masked image modelling on held-out images; the program is compiled once. */
export async function mimEvaluation(
  mim: Mim,
  heldOut: HeldOut,
  recipe: PretrainRecipe,
  engine: EngineOptions,
) {
  const [rows, columns] = mim.backbone.gridSize;
  const patches = rows * columns;
  const { imageSize, inChannels } = resolveVitConfig(recipe.mim.model);
  const { batchSize } = heldOut;
  const measured = (
    params: Tensors,
    { images, mask, tokens }: { images: tf.Tensor; mask: tf.Tensor; tokens: tf.Tensor },
  ) => {
    const logits = mim.logits(params, images, mask);
    const flat = tf.reshape(logits, [batchSize * patches, mim.vocabSize]);
    return {
      predictions: tf.argMax(logits, 2),
      nll: tf.reshape(sparseCrossEntropy(flat, tf.reshape(tokens, [-1])), [batchSize, patches]),
    };
  };
  const program = await compileForward(
    measured,
    {
      params: mim.init(createRandom(0)),
      inputs: {
        images: { dtype: 'float32', shape: [batchSize, ...imageSize, inChannels] },
        mask: { dtype: 'float32', shape: [batchSize, patches] },
        tokens: { dtype: 'int32', shape: [batchSize, patches] },
      },
    },
    engine,
  );
  const masks = masksOf(heldOut);
  const onObject = heldOut.batches.map(({ opacity }) => objectPatches(opacity, [rows, columns]));

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
          if (onObject[i]![k]) onObjects.add(tokens.data[k]!, out.predictions.data[k]!);
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
