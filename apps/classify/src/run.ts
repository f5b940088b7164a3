import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertSameImages, type RunResult, runClock, unreadableOfAll, writeRecipe } from '@beit/apps-shared';
import type { Communicator } from '@beit/mpi';
import type { NamedTensors } from '@beit/tensors';
import { loadCheckpoint, type ProgressReporter } from '@beit/trainer';
import { saveClassifier } from './classifierFile';
import { repeated } from './dataset';
import { finetune } from './finetune';
import { makeReport, type Outcome, summaryOf } from './makeReport';
import type { Options } from './options';
import { prepareTask } from './prepareTask';

/** Fine-tuning, evaluation and report. Everything is written below `out`; the same folder again continues the run. */
export async function run(
  options: Options & { readonly out: string },
  progress: ProgressReporter,
  job: Communicator,
  signal?: AbortSignal,
): Promise<RunResult> {
  const { out, engine, workers, shardOptimizer } = options;
  progress.message('Reading the images');
  const task = await prepareTask(options, progress);
  const { dataset, imagesPerEpoch, recipe, model, start, startedFrom } = task;
  start.notes.forEach((note) => {
    progress.message(note);
  });
  await assertSameImages(job, dataset.train.source.names);
  const isFirst = job.rank === 0;
  // Only now is this a run: a mistake in the folder or the checkpoint leaves nothing behind.
  await mkdir(out, { recursive: true });
  const how = {
    data: options.data,
    checkpoint: startedFrom,
    labels: options.labels,
    ...engine,
    shardOptimizer,
  };
  if (isFirst) await writeRecipe(out, recipe, how);
  const clock = await runClock(out);
  const result = await finetune({
    recipe,
    dataset: { ...dataset, train: repeated(dataset.train, imagesPerEpoch) },
    model,
    params: start.params,
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

  const trained = {
    classes: dataset.classes,
    model: recipe.model,
    pooling: recipe.pooling,
    views: recipe.views,
  };
  const save = (name: string, params: NamedTensors) =>
    saveClassifier(join(out, name), { ...trained, params });
  await save('model.safetensors', result.params);
  if (result.ema) await save('model-ema.safetensors', result.ema);
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
    evaluated,
    best: result.best,
    seconds: clock.seconds(),
    unreadable,
  };
  const { confusion, perClass, ...metrics } = evaluated.metrics;
  const results = {
    ...metrics,
    loss: evaluated.loss,
    best: result.best && {
      epoch: result.best.step / Math.floor(imagesPerEpoch / recipe.batchSize),
      top1: result.best.value,
    },
    perClass: Object.fromEntries(dataset.classes.map((name, label) => [name, perClass[label]])),
    confusion,
    images: { train: dataset.train.labels.length, validation: dataset.validation.labels.length },
    seconds: clock.seconds(),
  };
  await writeFile(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  if (unreadable.length > 0)
    await writeFile(join(out, 'unreadable.json'), `${JSON.stringify(unreadable, null, 2)}\n`);
  progress.message('Drawing the report');
  const path = join(out, 'report.html');
  await writeFile(path, await makeReport(outcome));
  return { interrupted: false, summary: summaryOf(outcome), report: path };
}
