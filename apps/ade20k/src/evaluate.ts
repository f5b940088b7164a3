import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { passProgress } from '@beit/cli';
import type { SegmentationMetrics } from '@beit/segmentation';
import type { ProgressReporter } from '@beit/trainer';
import { type Dataset, loadDataset } from './dataset';
import { openEvaluation } from './evaluation';
import { createModel } from './model';
import type { Options } from './options';
import { resultsOf } from './results';
import { loadSegmenter } from './segmenterFile';

export interface EvaluatedModel {
  readonly metrics: SegmentationMetrics;
  readonly dataset: Dataset;
}

/** Measures a trained segmenter on validation images. @throws when these have other classes than the model */
export async function evaluate(
  { model, recipe, data, multiScale, whole, engine, out }: Options & { readonly model: string },
  progress: ProgressReporter,
): Promise<EvaluatedModel> {
  const trained = await loadSegmenter(model);
  const dataset = await loadDataset(recipe, data, progress);
  if (dataset.classes.join('\n') !== trained.classes.join('\n')) {
    throw new Error(
      `${model} knows ${trained.classes.length} classes, ${trained.classes.slice(0, 5).join(', ')}, ...; ` +
        `the images have ${dataset.classes.length}, ${dataset.classes.slice(0, 5).join(', ')}, ...`,
    );
  }
  const evaluation = await openEvaluation({
    segmenter: createModel(trained, trained.classes.length).segmenter,
    windowSize: trained.model.imageSize,
    params: trained.params,
    dataset,
    views: trained.views,
    multiScale,
    whole,
    engine,
  });
  const { metrics } = await evaluation.evaluate(trained.params, passProgress('images', progress.update));
  progress.stop();
  for (const { name, reason } of evaluation.unreadable()) progress.message(`Left out: ${name}: ${reason}`);
  await evaluation.dispose();
  if (out !== undefined) {
    await mkdir(out, { recursive: true });
    const results = resultsOf(metrics, dataset.classes);
    await writeFile(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  }
  return { metrics, dataset };
}
