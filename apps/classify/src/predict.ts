import { type ImageFile, imageFiles } from '@beit/cli';
import { loadClassifier } from './classifierFile';
import { sigmoid, softmax } from './evaluation';
import { forwardFiles } from './forwardFiles';
import { createModel } from './model';
import type { Options } from './options';
import { plainView } from './views';

/** What is in a picture, the most likely first; or why it could not be read. */
export type Prediction = { readonly file: ImageFile } & (
  | { readonly classes: readonly { readonly name: string; readonly probability: number }[] }
  | { readonly reason: string }
);

export type PredictOptions = Pick<Options, 'files' | 'top' | 'engine' | 'classNames' | 'heads'> & {
  readonly model: string;
};

/**
 * What is in some images, one after the other: files, and all below folders. One that cannot be read does not end the
 * others.
 */
export async function* predict(
  { model, classNames, heads, files, top, engine }: PredictOptions,
  say: (line: string) => void = () => {},
): AsyncGenerator<Prediction> {
  const trained = await loadClassifier(model, { classNames, heads });
  for (const note of trained.notes) say(note);
  const { classifier } = createModel(trained, trained.classes.length);
  const probabilitiesOf = trained.multiLabel ? sigmoid : softmax;
  const of = classifier.logits;
  const outputs = forwardFiles(await imageFiles(files), {
    of,
    params: trained.params,
    view: plainView(trained.model, trained.preprocessing),
    engine,
  });
  for await (const result of outputs) {
    if ('reason' in result) yield result;
    else {
      const classes = [...probabilitiesOf(result.output)]
        .map((probability, label) => ({ name: trained.classes[label]!, probability }))
        .sort((a, b) => b.probability - a.probability)
        .slice(0, top);
      yield { file: result.file, classes };
    }
  }
}
