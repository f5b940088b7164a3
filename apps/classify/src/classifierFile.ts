import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { VitConfig } from '@beit/vit';
import { loadSafetensors, type NamedTensors, saveSafetensors } from '@beit/weights';
import type { FinetuneRecipe } from './recipe';

/** A trained classifier: all that a prediction needs. */
export interface TrainedClassifier {
  readonly params: NamedTensors;
  readonly classes: readonly string[];
  readonly model: VitConfig;
  readonly pooling: FinetuneRecipe['pooling'];
  readonly views: FinetuneRecipe['views'];
}

/** Parameters, with everything else as the file's metadata. */
export async function saveClassifier(path: string, trained: TrainedClassifier): Promise<void> {
  const { params, classes, model, pooling, views } = trained;
  await saveSafetensors(path, params, {
    config: JSON.stringify(model),
    classes: JSON.stringify(classes),
    classifier: JSON.stringify({ pooling, views }),
  });
}

/** The file itself, or `model.safetensors` of a run. */
export async function modelFile(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new Error(`There is no file or folder '${path}'.`);
  return found.isDirectory() ? join(path, 'model.safetensors') : path;
}

/** @throws when the file is no classifier of this app */
export async function loadClassifier(path: string): Promise<TrainedClassifier> {
  const file = await modelFile(path);
  const { tensors, metadata } = await loadSafetensors(file);
  const { config, classes, classifier } = metadata;
  if (!config || !classes || !classifier) {
    throw new Error(
      `${file} is no fine-tuned classifier: its metadata lack ${['config', 'classes', 'classifier'].filter((key) => !metadata[key]).join(', ')}. ` +
        'Expected the model.safetensors of a run of this app.',
    );
  }
  return {
    params: tensors,
    classes: JSON.parse(classes) as string[],
    model: JSON.parse(config) as VitConfig,
    ...(JSON.parse(classifier) as Pick<TrainedClassifier, 'pooling' | 'views'>),
  };
}
