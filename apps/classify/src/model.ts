import { type Classifier, createClassifier } from '@beit/classification';
import { createVit, type Vit, type VitConfig } from '@beit/vit';
import type { FinetuneRecipe } from './recipe';

export interface Model {
  readonly vit: Vit;
  readonly classifier: Classifier;
}

export interface ModelOptions {
  readonly model: VitConfig;
  readonly pooling: FinetuneRecipe['pooling'];
  /** Whether any number of the classes may be in a picture. Default false. */
  readonly multiLabel?: boolean;
}

/** The network of a recipe for so many classes. */
export function createModel({ model, pooling, multiLabel }: ModelOptions, numClasses: number): Model {
  const vit = createVit(model);
  // Weights as fine-tuning code draws them; with a checkpoint only those of the head stay.
  const backbone = { ...vit, init: (random: Parameters<Vit['init']>[0]) => vit.init(random, 'finetune') };
  return { vit, classifier: createClassifier({ backbone, numClasses, pooling, multiLabel }) };
}
