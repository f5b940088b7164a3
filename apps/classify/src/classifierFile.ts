import { loadPretrained, shapesOf } from '@beit/cli';
import { INCEPTION_NORMALIZATION } from '@beit/data';
import { createRandom } from '@beit/random';
import { type ClassifierViews, writeModelMetadata } from '@beit/schemas';
import type { NamedTensors } from '@beit/tensors';
import type { VitConfig } from '@beit/vit';
import { describeFit, fitParameters, saveSafetensors } from '@beit/weights';
import { createModel } from './model';
import type { FinetuneRecipe } from './recipe';

/** A trained classifier: all that a prediction needs. */
export interface TrainedClassifier {
  readonly params: NamedTensors;
  readonly classes: readonly string[];
  readonly model: VitConfig;
  readonly pooling: FinetuneRecipe['pooling'];
  readonly views: ClassifierViews;
}

/** Parameters, with everything else as the file's metadata. */
export async function saveClassifier(path: string, trained: TrainedClassifier): Promise<void> {
  const { params, classes, model, pooling } = trained;
  const { normalization, cropShare } = trained.views;
  const classifier = { pooling, views: { normalization, cropShare } };
  await saveSafetensors(path, params, writeModelMetadata({ config: model, classes, classifier }));
}

/**
 * A classifier of this app, of transformers, of the official code or of timm. What a file does not say is as the released
 * models have it; classes without names are numbers.
 *
 * @throws when it has no head, or lacks another part: the error lists them
 */
export async function loadClassifier(path: string): Promise<TrainedClassifier> {
  const { tensors, config, classes, pooling, cropShare, normalization } = await loadPretrained(path);
  const rows = tensors['head.weight']?.shape[0];
  if (rows === undefined) {
    throw new Error(`${path} is no fine-tuned classifier: it has no head. Expected a run of this app, say.`);
  }
  const trained = {
    classes: classes ?? Array.from({ length: rows }, (_, label) => String(label)),
    model: config,
    pooling: pooling ?? ('fc_norm.weight' in tensors ? 'mean' : 'cls'),
  };
  const { classifier } = createModel(trained, trained.classes.length);
  const fit = fitParameters(tensors, shapesOf(classifier.init(createRandom(0))));
  if (fit.missing.length + fit.misshapen.length > 0)
    throw new Error(`${path} is not whole.\n${describeFit(fit)}`);
  return {
    ...trained,
    params: fit.params,
    views: {
      normalization: normalization ?? INCEPTION_NORMALIZATION,
      cropShare: cropShare ?? (config.imageSize < 384 ? 224 / 256 : 1),
    },
  };
}
