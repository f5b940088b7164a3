import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertSameImages, type RunResult, runClock, unreadableOfAll, writeRecipe } from '@beit/apps-shared';
import type { Communicator } from '@beit/mpi';
import type { NamedTensors } from '@beit/tensors';
import { loadCheckpoint, type ProgressReporter } from '@beit/trainer';
import { openEvaluation } from './evaluation';
import { finetune } from './finetune';
import { makeReport, type Outcome, summaryOf } from './makeReport';
import type { Options } from './options';
import { prepareTask } from './prepareTask';
import { resultsOf } from './results';
import { saveSegmenter } from './segmenterFile';

/** Training, evaluation and report. Everything is written below `out`; the same folder again continues the run. */
export async function run(
  options: Options & { readonly out: string },
  progress: ProgressReporter,
  job: Communicator,
  signal?: AbortSignal,
): Promise<RunResult> {
  const { out, engine, workers, shardOptimizer } = options;
  progress.message('Reading the images');
  const isFirst = job.rank === 0;
  // The first process writes the embedded scenes where they are missing; the others read them.
  if (!isFirst) await job.barrier();
  const { dataset, recipe, model, start, startedFrom } = await prepareTask(options, progress);
  if (isFirst) await job.barrier();
  start.notes.forEach((note) => {
    progress.message(note);
  });
  await assertSameImages(job, dataset.training.images.names);
  // Only now is this a run: a mistake in the folder or the checkpoint leaves nothing behind.
  await mkdir(out, { recursive: true });
  const how = { data: options.data, checkpoint: startedFrom, ...engine, shardOptimizer };
  if (isFirst) await writeRecipe(out, recipe, how);
  const clock = await runClock(out);
  // The first process evaluates; the others need no program for it.
  const evaluation = isFirst
    ? await openEvaluation({
        segmenter: model.segmenter,
        windowSize: recipe.model.imageSize,
        params: start.params,
        dataset,
        views: recipe.views,
        engine,
      })
    : undefined;
  try {
    const result = await finetune({
      recipe,
      dataset,
      model,
      params: start.params,
      evaluation,
      runDir: out,
      engine,
      workers,
      shardOptimizer,
      progress,
      signal,
      job,
    }).finally(() => (isFirst ? clock.save() : undefined));
    const unreadable = await unreadableOfAll(job, result.unreadable);
    const { evaluated } = result;
    if (!evaluated) return { interrupted: result.interrupted, summary: [] };

    const save = (name: string, params: NamedTensors) =>
      saveSegmenter(join(out, name), { ...dataset, ...recipe, params });
    await save('model.safetensors', result.params);
    if (result.best) {
      const { state } = await loadCheckpoint(result.best.checkpoint);
      await save('model-best.safetensors', (state as { params: NamedTensors }).params);
    }
    const outcome: Outcome = {
      recipe,
      out,
      engine: result.engine,
      dataset,
      startedFrom,
      params: result.params,
      ...evaluated,
      best: result.best,
      seconds: clock.seconds(),
    };
    const results = {
      ...resultsOf(evaluated.metrics, dataset.classes),
      best: result.best && { step: result.best.step, mIoU: result.best.value },
      images: {
        training: dataset.training.images.names.length,
        validation: dataset.validation.images.names.length,
      },
      seconds: clock.seconds(),
    };
    await writeFile(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
    if (unreadable.length > 0)
      await writeFile(join(out, 'unreadable.json'), `${JSON.stringify(unreadable, null, 2)}\n`);
    progress.message('Drawing the report');
    const path = join(out, 'report.html');
    await writeFile(path, await makeReport(outcome));
    return { interrupted: false, summary: summaryOf(outcome), report: path };
  } finally {
    await evaluation?.dispose();
  }
}
