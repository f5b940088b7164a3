import { join } from 'node:path';
import { openRun, type RunResult, unreadableOfAll, writeWhole } from '@beit/cli';
import type { Communicator } from '@beit/mpi';
import { contactSheet, type Picture } from '@beit/report';
import { writeModelMetadata } from '@beit/schemas';
import type { ProgressReporter } from '@beit/trainer';
import { saveSafetensors } from '@beit/weights';
import { loadHeldOut } from './heldOut';
import { loadImages } from './images';
import { makeReport, type Outcome, summaryOf } from './makeReport';
import { mimStage } from './mimStage';
import { obtainTokenizer, saveTokenizer } from './obtainTokenizer';
import type { RunOptions } from './options';
import { renderReport } from './report/renderReport';
import type { Example } from './report/reportData';
import { pixelObjective } from './targets/pixelObjective';
import { tokenObjective } from './targets/tokenObjective';

const INTERRUPTED: RunResult = { interrupted: true, summary: [] };

/** All stages, evaluation and report. Everything is written below `options.out`; the same folder again continues the run. */
export async function run(
  options: RunOptions,
  progress: ProgressReporter,
  job: Communicator,
  signal?: AbortSignal,
): Promise<RunResult> {
  const { recipe, out, engine, workers, shardOptimizer, checkpointMinutes } = options;
  progress.message('Reading the images');
  const images = await loadImages(recipe, options.data);
  progress.message(
    `${images.train.names.length} images to train on, ${images.heldOut.names.length} held out`,
  );
  for (const note of images.notes) progress.message(note);
  const heldOut = await loadHeldOut(recipe, images.heldOut);
  for (const { name, reason } of heldOut.unreadable)
    progress.message(`Left out of those held out: ${name}: ${reason}`);
  const { isFirst, continues, onStep, seconds, timed, finish } = await openRun({
    out,
    resumes: options.resumes,
    recipe,
    how: options.how,
    images: [images.train, images.heldOut],
    stages: ['tokenizer', 'pretrain'],
    job,
    progress,
  });
  const how = { engine, workers, shardOptimizer, checkpointMinutes, progress, signal, job, onStep };
  const stage = { recipe, source: images.train, ...how };

  const tokenizer =
    recipe.mim.target === 'pixels'
      ? undefined
      : await timed('tokenizer', () =>
          obtainTokenizer(stage, { out, continues, given: options.tokenizer, heldOut }),
        );
  if (recipe.mim.target === 'tokens' && !tokenizer) return INTERRUPTED;

  const objective = tokenizer ? tokenObjective(recipe, tokenizer.params) : pixelObjective(recipe);
  const { result, findings } = await timed('pretrain', async () => {
    // The first process evaluates; the others need no program for it.
    const evaluation = isFirst ? await objective.evaluation(heldOut, engine) : undefined;
    const trained = await mimStage({ ...stage, runDir: join(out, 'pretrain') }, objective, (params) =>
      evaluation!.metrics(params),
    );
    const found = trained.interrupted ? undefined : await evaluation?.findings(trained.params, images.title);
    await evaluation?.dispose();
    return { result: trained, findings: found };
  });
  const unreadable = await unreadableOfAll(job, [
    ...heldOut.unreadable,
    ...(tokenizer?.unreadable ?? []),
    ...result.unreadable,
  ]);
  if (!findings) return { interrupted: result.interrupted, summary: [] };
  if (tokenizer && isFirst) await saveTokenizer(out, tokenizer.params, recipe);
  await saveSafetensors(
    join(out, 'model.safetensors'),
    result.params,
    writeModelMetadata({ config: recipe.mim.model, normalization: recipe.views.normalization }),
  );

  const outcome: Outcome = {
    recipe,
    data: options.data,
    out,
    engine: result.engine,
    tokenizer: tokenizer?.params,
    objective,
    model: result.params,
    findings,
    heldOut,
    title: images.title,
    notes: images.notes,
    seconds,
    unreadable,
  };
  return finish({
    summary: summaryOf(outcome),
    unreadable,
    results: { ...findings.results, seconds, heldOut: heldOut.count },
    async page() {
      const report = await makeReport(outcome, engine);
      await writeWhole(join(out, 'examples.png'), await contactSheet(columnsOf(report.examples)));
      return renderReport(report);
    },
  });
}

/** An example in each column, its pictures from the top. */
const columnsOf = (examples: readonly Example[]): Picture[][] =>
  examples[0]!.pictures.map((_, row) => examples.map(({ pictures }) => pictures[row]!.picture));
