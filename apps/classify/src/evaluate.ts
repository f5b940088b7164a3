import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { passProgress } from '@beit/cli';
import type { Unreadable } from '@beit/data';
import type { ProgressReporter } from '@beit/trainer';
import { makeFolder } from '@beit/weights';
import { loadClassifier } from './classifierFile';
import { distinct } from './classNames';
import { loadMeasured, type MeasuredImages } from './dataset';
import { type Evaluated, mostLikely, openEvaluation } from './evaluation';
import { matchClasses } from './matchClasses';
import { createModel } from './model';
import type { Options } from './options';
import { plainView } from './views';

export interface EvaluatedModel {
  readonly evaluated: Evaluated;
  /** With the model's classes. */
  readonly measured: MeasuredImages;
}

/** Measures a trained classifier on images of a data set, whose classes are found as `matchClasses` does. */
export async function evaluate(
  {
    model,
    classNames,
    heads,
    recipe,
    data,
    part,
    engine,
    workers,
    out,
  }: Options & { readonly model: string },
  progress: ProgressReporter,
): Promise<EvaluatedModel> {
  const trained = await loadClassifier(model, { classNames, heads });
  for (const note of trained.notes) progress.message(note);
  if (trained.multiLabel)
    throw new Error(
      `${model} is for several labels of a picture, and ${data ?? 'the embedded emoji'} has one of each: its accuracy would mean nothing.`,
    );
  const found = await loadMeasured(recipe, data, part);
  for (const note of found.notes) progress.message(note);
  const { places, how } = matchClasses(found, trained, model);
  progress.message(how);
  // A model without names has those of the folders.
  const titles = [...trained.classes];
  if (!trained.named) for (const [label, place] of places.entries()) titles[place] = found.classes[label]!;
  const { source, labels } = found.images;
  const measured: MeasuredImages = {
    ...found,
    classes: distinct(titles),
    named: trained.named,
    images: { source, labels: labels.map((label) => places[label]!) },
  };
  const evaluation = await openEvaluation({
    classifier: createModel(trained, trained.classes.length).classifier,
    params: trained.params,
    images: measured.images,
    view: plainView(trained.model, trained.preprocessing),
    engine,
    workers,
  });
  const evaluated = await evaluation.evaluate(trained.params, passProgress('images', progress.update));
  progress.stop();
  for (const { name, reason } of evaluation.unreadable()) progress.message(`Left out: ${name}: ${reason}`);
  await evaluation.dispose();
  if (out !== undefined) await writeResults(out, measured, evaluated, evaluation.unreadable());
  return { evaluated, measured };
}

/** `results.json`, and `predictions.csv` with a line for each image. */
async function writeResults(
  out: string,
  { classes, images, about }: MeasuredImages,
  evaluated: Evaluated,
  unreadable: readonly Unreadable[],
): Promise<void> {
  const { metrics, loss, logits, indices, labels } = evaluated;
  await makeFolder(out);
  const perClass = Object.fromEntries(classes.map((name, label) => [name, metrics.perClass[label]]));
  const counted = { measuredOn: about, measured: labels.length, unreadable: unreadable.length };
  const results = { ...metrics, loss, perClass, images: counted };
  await writeFile(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = indices.map((index, i) => {
    const best = mostLikely(logits.data.subarray(i * classes.length, (i + 1) * classes.length));
    return [images.source.names.at(index)!, classes[labels[i]!]!, classes[best]!].map(quoted).join(',');
  });
  await writeFile(join(out, 'predictions.csv'), `image,class,prediction\n${lines.join('\n')}\n`);
}
