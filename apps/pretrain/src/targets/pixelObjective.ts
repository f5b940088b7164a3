import { createPixelRegression, pixelLoss } from '@beit/mim';
import { asTreeLoss } from '@beit/optim';
import { createVit } from '@beit/vit';
import type { PretrainRecipe } from '../recipe';
import type { Objective } from './objective';
import { pixelEvaluation } from './pixelEvaluation';
import { pixelFindings } from './pixelFindings';

/** The target of the paper's ablation (table 4): the images' own pixels, without a tokenizer. */
export function pixelObjective(recipe: PretrainRecipe): Objective {
  const vit = createVit(recipe.mim.model);
  const regression = createPixelRegression({
    backbone: vit,
    patchSize: vit.config.patchSize,
    inChannels: vit.config.inChannels,
  });
  return {
    title: 'Regression of masked pixels',
    vit,
    init: regression.init,
    loss: asTreeLoss(pixelLoss(regression)),
    blankTargets: () => ({}),
    targets: async () => ({ of: async () => ({}), dispose: async () => {} }),

    async evaluation(heldOut, engine) {
      const evaluation = await pixelEvaluation(regression, heldOut, recipe, engine);
      return {
        async metrics(params) {
          const { loss, psnr, objectPsnr } = (await evaluation.evaluate(params)).metrics;
          return { loss, maskedPsnr: psnr, objectPsnr };
        },
        async findings(params, title) {
          return pixelFindings({ recipe, heldOut, vit, title, ...(await evaluation.evaluate(params)) });
        },
        dispose: evaluation.dispose,
      };
    },
  };
}
