import { forwardStep, optimize, trace } from '@beit/compile';
import { createDvae, tokenizeImages } from '@beit/dvae';
import { adamW, gradientStep, zeroGradients } from '@beit/optim';
import { createRandom } from '@beit/random';
import { countParameters } from '@beit/report';
import { imageSides, type NamedTensors, type TensorSpec } from '@beit/tensors';
import { blankBatch, mostMasked } from '../../blankBatch';
import type { PretrainRecipe } from '../../recipe';
import type { Objective } from '../../targets/objective';
import { pixelObjective } from '../../targets/pixelObjective';
import { tokenObjective } from '../../targets/tokenObjective';
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

/** Without a tokenizer's parameters, which nothing here asks for. */
const objectiveOf = (recipe: PretrainRecipe): Objective =>
  recipe.mim.target === 'pixels' ? pixelObjective(recipe) : tokenObjective(recipe, {});

export async function countRecipe(recipe: PretrainRecipe): Promise<RecipeCounts> {
  const objective = objectiveOf(recipe);
  const optimizer = adamW();
  const params = objective.init(createRandom(0));
  const maxMasked = await mostMasked(recipe);
  const parameters = countParameters(params);
  // Shapes alone: the numbers of a large model would stay for as long as its counts.
  const specs = { params: shapesOf(params), gradients: shapesOf(zeroGradients(params, optimizer)) };
  const scalar = { dtype: 'float32', shape: [] } as const;
  const graphOf = (images: number) => {
    const { graph } = trace(gradientStep(objective.loss, optimizer), specs, {
      batch: blankBatch(objective, images, maxMasked),
      weight: scalar,
      isFirst: scalar,
    });
    return optimize(graph);
  };
  return {
    parameters,
    trainFlops: countFlops(graphOf(1)),
    tokenizeFlops: recipe.mim.target === 'pixels' ? 0 : tokenizeFlops(recipe),
    activationBytes: (images) => countLiveBytes(graphOf(images)),
  };
}

const shapesOf = (tensors: NamedTensors): Record<string, TensorSpec> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { shape }]) => [name, { dtype: 'float32', shape }] as const),
  );

function tokenizeFlops({ tokenizer, views: { tokenImageSize } }: PretrainRecipe): number {
  const dvae = createDvae(tokenizer.model);
  const encoder = Object.entries(dvae.init(createRandom(0))).filter(([name]) => name.startsWith('encoder.'));
  const { graph } = trace(forwardStep(tokenizeImages(dvae)), Object.fromEntries(encoder), {
    images: { dtype: 'float32', shape: [1, ...imageSides(tokenImageSize), 3] },
  });
  return countFlops(optimize(graph));
}
