import { join } from 'node:path';
import { assertNoRun, foldSpaces, passProgress, UsageError, writeJson } from '@beit/cli';
import type { Unreadable } from '@beit/data';
import type { SegmentationMetrics } from '@beit/segmentation';
import { makeFolder } from '@beit/tensors';
import type { ProgressReporter } from '@beit/trainer';
import { type Dataset, loadDataset } from './dataset';
import { openEvaluation } from './evaluation';
import { createModel } from './model';
import type { Options } from './options';
import { resultsOf } from './results';
import { loadSegmenter } from './segmenterFile';

export interface EvaluatedModel {
  readonly metrics: SegmentationMetrics;
  /** How many were measured. */
  readonly images: number;
  readonly unreadable: readonly Unreadable[];
  readonly dataset: Dataset;
}

/** Measures a trained segmenter on a part of the images. @throws when these have other classes than the model */
export async function evaluate(
  { model, heads, recipe, data, part, multiScale, whole, engine, out }: Options & { readonly model: string },
  progress: ProgressReporter,
): Promise<EvaluatedModel> {
  if (out !== undefined) assertNoRun(out);
  const trained = await loadSegmenter(model, { heads });
  for (const note of trained.notes) progress.message(note);
  const dataset = await loadDataset(recipe, data, progress, trained.annotation.labels);
  if (!dataset[part])
    throw new UsageError(
      `--part is '${part}', and ${data === undefined ? 'the scenes have' : `'${data}' has`} no annotated images for it; expected val or train.`,
    );
  if (dataset.classes.map(foldSpaces).join('\n') !== trained.classes.map(foldSpaces).join('\n')) {
    throw new Error(
      `${model} knows ${trained.classes.length} classes, ${trained.classes.slice(0, 5).join(', ')}, ...; ` +
        `the images have ${dataset.classes.length}, ${dataset.classes.slice(0, 5).join(', ')}, ...`,
    );
  }
  const evaluation = await openEvaluation({
    segmenter: createModel(trained, trained.classes.length).segmenter,
    model: trained.model,
    params: trained.params,
    dataset,
    part,
    views: trained.views,
    multiScale,
    whole: whole ? trained.wholeFraming : undefined,
    engine,
  });
  const { metrics, images } = await evaluation.evaluate(
    trained.params,
    passProgress('images', progress.update),
  );
  progress.stop();
  const unreadable = evaluation.unreadable();
  for (const { name, reason } of unreadable) progress.message(`Left out: ${name}: ${reason}`);
  await evaluation.dispose();
  const [first] = unreadable;
  if (first && images === 0)
    throw new Error(
      `None of the ${part} images can be measured; the first is ${first.name}: ${first.reason}`,
    );
  if (out !== undefined) {
    const results = {
      ...resultsOf(metrics, dataset.classes),
      images: { [part]: images },
      ...(first && { unreadable: { [part]: unreadable.length } }),
    };
    await makeFolder(out);
    await writeJson(join(out, 'results.json'), results);
    if (first) await writeJson(join(out, 'unreadable.json'), unreadable);
  }
  return { metrics, images, unreadable, dataset };
}
