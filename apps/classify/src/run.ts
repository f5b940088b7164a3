import { join } from 'node:path';
import { assertAsBegun, assertSameStart, openRun, type RunResult, startOf, unreadableOfAll } from '@beit/cli';
import { assertAgreement, type Communicator } from '@beit/mpi';
import type { NamedTensors } from '@beit/tensors';
import { loadCheckpoint, type ProgressReporter } from '@beit/trainer';
import { saveClassifier } from './classifierFile';
import { repeated } from './dataset';
import { finetune } from './finetune';
import { makeReport, type Outcome, summaryOf } from './makeReport';
import type { Options } from './options';
import { prepareTask } from './prepareTask';
import { resultsOf } from './resultsOf';
import { mainMetric } from './scores';
import { preprocessingOf } from './views';

/** Fine-tuning, evaluation and report. Everything is written below `out`; the same folder again continues the run. */
export async function run(
  options: Options & { readonly out: string },
  progress: ProgressReporter,
  job: Communicator,
  signal?: AbortSignal,
): Promise<RunResult> {
  const { out, engine, workers, shardOptimizer, checkpointMinutes } = options;
  progress.message('Reading the images');
  const task = await prepareTask(options, progress);
  const { dataset, imagesPerEpoch, recipe, model, start, startedFrom } = task;
  start.notes.forEach((note) => {
    progress.message(note);
  });
  assertSameStart(options.how, startedFrom);
  const { labelsDigest } = dataset;
  if (labelsDigest !== undefined) {
    assertAsBegun(options.how, LABELS_DIGEST, labelsDigest, `The labels in ${options.labelsFrom?.labels}`);
    await assertAgreement(job, { labels: labelsDigest });
  }
  const { seconds, timed, onStep, finish } = await openRun({
    out,
    resumes: options.resumes,
    recipe,
    how: { ...startOf(startedFrom), ...options.how, [LABELS_DIGEST]: labelsDigest },
    images: [dataset.train.source, dataset.validation.source],
    stages: ['training'],
    job,
    progress,
  });
  const result = await timed('training', () =>
    finetune({
      recipe,
      dataset: { ...dataset, train: repeated(dataset.train, imagesPerEpoch) },
      model,
      params: start.params,
      runDir: out,
      engine,
      workers,
      shardOptimizer,
      checkpointMinutes,
      progress,
      signal,
      job,
      onStep,
    }),
  );
  const unreadable = await unreadableOfAll(job, result.unreadable);
  const { evaluated } = result;
  if (!evaluated) return { interrupted: result.interrupted, summary: [] };

  const trained = {
    classes: dataset.classes,
    model: recipe.model,
    pooling: recipe.pooling,
    preprocessing: preprocessingOf(recipe),
    multiLabel: dataset.multiLabel,
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
    startedFrom: startedFrom?.path,
    params: result.params,
    evaluated,
    best: result.best,
    seconds: seconds.training,
    unreadable,
  };
  const results = {
    ...resultsOf(evaluated, dataset.classes),
    best: result.best && {
      epoch: result.best.step / Math.floor(imagesPerEpoch / recipe.batchSize),
      [mainMetric(dataset).name]: result.best.value,
    },
    images: {
      train: dataset.train.labels.length,
      validation: evaluated.labels.length,
      unreadable: unreadable.length,
    },
    seconds: seconds.training,
  };
  return finish({ summary: summaryOf(outcome), unreadable, results, page: () => makeReport(outcome) });
}

/** What stands in a run's `recipe.json` beside the options. */
const LABELS_DIGEST = 'labels-digest';
