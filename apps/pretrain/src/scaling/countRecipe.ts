import { countParameters } from '@beit/apps-shared';
import { optimize, trace } from '@beit/compile';
import { createDvae } from '@beit/dvae';
import { adamW, gradientState, gradientStep } from '@beit/optim';
import { createRandom } from '@beit/random';
import type * as tf from '@tensorflow/tfjs';
import { blankBatch, mostMasked } from '../blankBatch';
import type { PretrainRecipe } from '../recipe';
import type { Objective } from '../targets/objective';
import { pixelObjective } from '../targets/pixelObjective';
import { tokenObjective } from '../targets/tokenObjective';
import { countFlops, countLiveBytes } from './countGraph';

/** What stage 2 of a recipe takes, counted. */
export interface RecipeCounts {
  /** Numbers in all parameters. */
  readonly parameters: number;
  /** Floating point operations an image: forward and backward pass. */
  readonly trainFlops: number;
  /** The same of the frozen tokenizer; 0 without one. */
  readonly tokenizeFlops: number;
  /** Bytes of intermediate results of a micro-batch of so many images: activations, and gradients on their way. */
  activationBytes(images: number): number;
}

/** What all three objectives differ in is not asked for: a tokenizer's parameters. */
export const objectiveOf = (recipe: PretrainRecipe): Objective =>
  recipe.mim.target === 'pixels' ? pixelObjective(recipe) : tokenObjective(recipe, {});

export async function countRecipe(recipe: PretrainRecipe): Promise<RecipeCounts> {
  const objective = objectiveOf(recipe);
  const optimizer = adamW();
  const params = objective.init(createRandom(0));
  const maxMasked = await mostMasked(recipe);
  const graphOf = (images: number) => {
    const { graph } = trace(
      gradientStep(objective.loss, optimizer) as never,
      gradientState(params, optimizer) as never,
      {
        batch: blankBatch(objective, images, maxMasked),
        weight: { dtype: 'float32', shape: [] },
      } as never,
    );
    return optimize(graph);
  };
  return {
    parameters: countParameters(params),
    trainFlops: countFlops(graphOf(1)),
    tokenizeFlops: recipe.mim.target === 'pixels' ? 0 : tokenizeFlops(recipe),
    activationBytes: (images) => countLiveBytes(graphOf(images)),
  };
}

function tokenizeFlops({ tokenizer, views: { tokenImageSize } }: PretrainRecipe): number {
  const dvae = createDvae(tokenizer.model);
  const encoder = Object.entries(dvae.init(createRandom(0))).filter(([name]) => name.startsWith('encoder.'));
  const { graph } = trace(
    (params: Record<string, tf.Tensor>, { images }: { images: tf.Tensor }) => ({
      state: params,
      outputs: { tokens: dvae.tokenize(params, images) as tf.Tensor },
    }),
    Object.fromEntries(encoder),
    { images: { dtype: 'float32', shape: [1, tokenImageSize, tokenImageSize, 3] } },
  );
  return countFlops(optimize(graph));
}
