import { join } from 'node:path';
import { assertSameStart, openRun, type RunResult, startOf, unreadableOfAll } from '@beit/cli';
import type { Unreadable } from '@beit/data';
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
  const { out, engine, workers, shardOptimizer, checkpointMinutes } = options;
  progress.message('Reading the images');
  const isFirst = job.rank === 0;
  // The first process writes the embedded scenes where they are missing; the others read them.
  if (!isFirst) await job.barrier();
  const { dataset, recipe, model, start, startedFrom } = await prepareTask(options, progress);
  if (isFirst) await job.barrier();
  start.notes.forEach((note) => {
    progress.message(note);
  });
  assertSameStart(options.how, startedFrom);
  const { seconds, timed, onStep, finish } = await openRun({
    out,
    resumes: options.resumes,
    recipe,
    how: { ...startOf(startedFrom), ...options.how },
    images: [dataset.training, dataset.validation].flatMap(({ images, directory, annotations }) => [
      images,
      { kind: 'folder' as const, directory, names: annotations },
    ]),
    stages: ['training'],
    job,
    progress,
  });
  // The first process evaluates; the others need no program for it.
  const evaluation = isFirst
    ? await openEvaluation({
        segmenter: model.segmenter,
        model: recipe.model,
        params: start.params,
        dataset,
        views: recipe.views,
        engine,
      })
    : undefined;
  try {
    const result = await timed('training', () =>
      finetune({
        recipe,
        dataset,
        model,
        params: start.params,
        evaluation,
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
      startedFrom: startedFrom?.path,
      params: result.params,
      ...evaluated,
      unreadable,
      best: result.best,
      seconds: seconds.training,
    };
    const results = {
      ...resultsOf(evaluated.metrics, dataset.classes),
      best: result.best && { step: result.best.step, mIoU: result.best.value },
      images: {
        training: dataset.training.images.names.length - countOf('training', unreadable),
        validation: evaluated.images,
      },
      ...(unreadable.length > 0 && {
        unreadable: {
          training: countOf('training', unreadable),
          validation: countOf('validation', unreadable),
        },
      }),
      seconds: seconds.training,
    };
    return await finish({
      summary: summaryOf(outcome),
      unreadable,
      results,
      page: () => makeReport(outcome),
    });
  } finally {
    await evaluation?.dispose();
  }
}

const countOf = (part: string, unreadable: readonly Unreadable[]): number =>
  unreadable.filter(({ name }) => name.startsWith(`${part}/`)).length;
