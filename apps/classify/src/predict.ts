import { type ImageFile, imageFiles } from '@beit/cli';
import { loadClassifier } from './classifierFile';
import { softmax } from './evaluation';
import { forwardFiles } from './forwardFiles';
import { createModel } from './model';
import type { Options } from './options';
import { plainView } from './views';

/** What is in a picture, the most likely first; or why it could not be read. */
export type Prediction = { readonly file: ImageFile } & (
  | { readonly classes: readonly { readonly name: string; readonly probability: number }[] }
  | { readonly reason: string }
);

/**
 * What is in some images, one after the other: files, and all below folders. One that cannot be read does not end the
 * others.
 */
export async function* predict({
  model,
  files,
  top,
  engine,
}: Options & { readonly model: string }): AsyncGenerator<Prediction> {
  const trained = await loadClassifier(model);
  const { classifier } = createModel(trained, trained.classes.length);
  const of = classifier.logits;
  const outputs = forwardFiles(await imageFiles(files), {
    of,
    params: trained.params,
    view: plainView(trained),
    engine,
  });
  for await (const result of outputs) {
    if ('reason' in result) yield result;
    else {
      const classes = [...softmax(result.output)]
        .map((probability, label) => ({ name: trained.classes[label]!, probability }))
        .sort((a, b) => b.probability - a.probability)
        .slice(0, top);
      yield { file: result.file, classes };
    }
  }
}
