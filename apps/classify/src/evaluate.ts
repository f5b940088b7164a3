import { join } from 'node:path';
import { passProgress, writeJson, writeWhole } from '@beit/cli';
import type { Unreadable } from '@beit/data';
import { makeFolder } from '@beit/tensors';
import type { ProgressReporter } from '@beit/trainer';
import { loadClassifier } from './classifierFile';
import { distinct } from './classNames';
import { loadMeasured, type MeasuredImages } from './dataset';
import { type Evaluated, likely, mostLikely, openEvaluation } from './evaluation';
import type { Labels } from './labels';
import { matchClasses } from './matchClasses';
import { createModel } from './model';
import type { Options } from './options';
import { resultsOf } from './resultsOf';
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
    labelsFrom,
    part,
    engine,
    workers,
    out,
  }: Options & { readonly model: string },
  progress: ProgressReporter,
): Promise<EvaluatedModel> {
  const loaded = await loadClassifier(model, { classNames, heads });
  for (const note of loaded.notes) progress.message(note);
  const multiLabel = labelsFrom?.multiLabel ?? loaded.multiLabel ?? false;
  if (multiLabel !== (loaded.multiLabel ?? false))
    progress.message(
      `Taken for ${multiLabel ? 'several labels' : 'one label'} of each picture, as --problem says.`,
    );
  if (labelsFrom && !multiLabel) progress.message('The model answers one class of each picture.');
  const trained = { ...loaded, multiLabel };
  if (multiLabel && !labelsFrom)
    throw new Error(
      `${model} is for several labels of a picture, and ${data ?? 'the embedded emoji'} has one of each: its accuracy would mean nothing. Give the labels with --labels FILE.`,
    );
  const found = await loadMeasured(recipe, data, part, labelsFrom && { ...labelsFrom, multiLabel });
  for (const note of found.notes) progress.message(note);
  const { places, how } = matchClasses(found, trained, model);
  progress.message(how);
  // A model without names has those of the folders.
  const titles = [...trained.classes];
  if (!trained.named) for (const [label, place] of places.entries()) titles[place] = found.classes[label]!;
  const { source, labels } = found.images;
  const named = new Set(places);
  const absent = trained.classes.filter((_, label) => !named.has(label));
  if (multiLabel && absent.length > 0)
    progress.message(
      `The labels never name ${absent.join(', ')}: taken for not there, in no mean over classes.`,
    );
  const measured: MeasuredImages = {
    ...found,
    classes: distinct(titles),
    named: trained.named,
    images: { source, labels: placed(labels, places) },
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

/** Labels of the images as those of the model. */
const placed = (labels: Labels, places: readonly number[]): Labels =>
  labels instanceof Int32Array
    ? labels.map((label) => places[label]!)
    : labels.map((own) => own.map((label) => places[label]!).sort((a, b) => a - b));

/** `results.json`, and `predictions.csv` with a line for each image. */
async function writeResults(
  out: string,
  { classes, images, about }: MeasuredImages,
  evaluated: Evaluated,
  unreadable: readonly Unreadable[],
): Promise<void> {
  const { logits, indices } = evaluated;
  await makeFolder(out);
  const counted = { measuredOn: about, measured: indices.length, unreadable: unreadable.length };
  const results = { ...resultsOf(evaluated, classes), images: counted };
  await writeJson(join(out, 'results.json'), results);
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const named = (labels: readonly number[]) => labels.map((label) => classes[label]!).join('|');
  const lines = indices.map((index, i) => {
    const row = logits.data.subarray(i * classes.length, (i + 1) * classes.length);
    const answer = evaluated.multiLabel
      ? [named(evaluated.labels[i]!), named(likely(row))]
      : [classes[evaluated.labels[i]!]!, classes[mostLikely(row)]!];
    return [images.source.names.at(index)!, ...answer].map(quoted).join(',');
  });
  const head = evaluated.multiLabel ? 'image,labels,predictions' : 'image,class,prediction';
  await writeWhole(join(out, 'predictions.csv'), `${head}\n${lines.join('\n')}\n`);
}
