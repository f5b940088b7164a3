import { tensorsDigest } from '@beit/cli';
import { compileForward } from '@beit/compile';
import { createDvae, tokenizeImages } from '@beit/dvae';
import { createMim, pretrainLoss } from '@beit/mim';
import { asTreeLoss } from '@beit/optim';
import { imageSides, type NamedTensors } from '@beit/tensors';
import { createVit } from '@beit/vit';
import { hasDecoder } from '../loadTokenizer';
import type { PretrainRecipe } from '../recipe';
import { tokenizerEvaluation } from '../tokenizerEvaluation';
import { mimEvaluation } from './mimEvaluation';
import type { Objective } from './objective';
import { tokenFindings } from './tokenFindings';

/** The paper's target: the visual tokens that a frozen tokenizer gives to the whole images. */
export function tokenObjective(recipe: PretrainRecipe, tokenizer: NamedTensors): Objective {
  const { tokenImageSize } = recipe.views;
  const dvae = createDvae(recipe.tokenizer.model);
  const vit = createVit(recipe.mim.model);
  const mim = createMim({ backbone: vit, vocabSize: dvae.config.vocabSize });
  const patches = vit.gridSize[0] * vit.gridSize[1];

  return {
    title: 'Stage 2: masked image modelling',
    vit,
    // Only training asks for it, and it reads all of a large tokenizer.
    get digest() {
      return tensorsDigest(tokenizer);
    },
    init: mim.init,
    loss: asTreeLoss(pretrainLoss(mim)),
    blankTargets: (batchSize) => ({
      visualTokens: {
        dtype: 'int32',
        shape: [batchSize, patches],
        data: new Int32Array(batchSize * patches),
      },
    }),

    async targets(batchSize, engine) {
      const encoder = Object.entries(tokenizer).filter(([name]) => name.startsWith('encoder.'));
      const program = await compileForward(
        tokenizeImages(dvae),
        {
          params: Object.fromEntries(encoder),
          inputs: { images: { dtype: 'float32', shape: [batchSize, ...imageSides(tokenImageSize), 3] } },
        },
        engine,
      );
      return {
        of: async ({ tokenImages }) => ({
          visualTokens: (await program.run({ images: tokenImages })).tokens,
        }),
        dispose: () => program.dispose(),
      };
    },

    async evaluation(heldOut, engine) {
      const withDecoder = hasDecoder(tokenizer);
      const ofTokenizer = await tokenizerEvaluation(dvae, heldOut, recipe, engine, { withDecoder });
      const { metrics: tokenizerMetrics, tokenized } = await ofTokenizer.evaluate(tokenizer);
      await ofTokenizer.dispose();
      const evaluation = await mimEvaluation(mim, heldOut, recipe, engine);
      return {
        async metrics(params) {
          const { loss, mimAccuracy, objectAccuracy } = (await evaluation.evaluate(params, tokenized))
            .metrics;
          return { loss, mimAccuracy, objectAccuracy };
        },
        async findings(params, title) {
          const { metrics: mimMetrics, predictions } = await evaluation.evaluate(params, tokenized);
          return tokenFindings(
            {
              recipe,
              heldOut,
              dvae,
              tokenizer,
              mim,
              model: params,
              title,
              tokenizerMetrics,
              tokenized,
              mimMetrics,
              predictions,
            },
            engine,
          );
        },
        dispose: evaluation.dispose,
      };
    },
  };
}
