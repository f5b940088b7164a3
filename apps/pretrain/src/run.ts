import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertSameImages, type RunResult, unreadableOfAll, writeRecipe } from '@beit/apps-shared';
import { writeModelMetadata } from '@beit/apps-shared/model-file';
import { contactSheet, type Picture } from '@beit/apps-shared/report';
import type { Communicator } from '@beit/mpi';
import type { ProgressReporter } from '@beit/trainer';
import { saveSafetensors } from '@beit/weights';
import { loadHeldOut } from './heldOut';
import { loadImages } from './images';
import { makeReport, type Outcome, summaryOf } from './makeReport';
import { mimStage } from './mimStage';
import { obtainTokenizer } from './obtainTokenizer';
import type { RunOptions } from './options';
import { renderReport } from './report/renderReport';
import type { Example } from './report/reportData';
import { pixelObjective } from './targets/pixelObjective';
import { tokenObjective } from './targets/tokenObjective';

const INTERRUPTED: RunResult = { interrupted: true, summary: [] };

/** What an earlier part of a run has taken; training goes on where it stopped, and so does the clock. */
type Seconds = { tokenizer: number; pretrain: number };

/** All stages, evaluation and report. Everything is written below `options.out`; the same folder again continues the run. */
export async function run(
  options: RunOptions,
  progress: ProgressReporter,
  job: Communicator,
  signal?: AbortSignal,
): Promise<RunResult> {
  const { recipe, out, engine, workers, shardOptimizer } = options;
  const isFirst = job.rank === 0;
  const seconds = await readSeconds(out);
  const timed = async <T>(stage: keyof Seconds, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    try {
      return await work();
    } finally {
      seconds[stage] += (performance.now() - start) / 1000;
      if (isFirst) await writeFile(join(out, 'seconds.json'), JSON.stringify(seconds));
    }
  };

  progress.message('Reading the images');
  const images = await loadImages(recipe, options.data);
  progress.message(
    `${images.train.names.length} images to train on, ${images.heldOut.names.length} held out`,
  );
  await assertSameImages(job, images.train.names);
  const heldOut = await loadHeldOut(recipe, images.heldOut);
  // Only now is this a run: a mistake in the folder of images leaves nothing behind.
  await mkdir(out, { recursive: true });
  const how = { data: options.data, tokenizer: options.tokenizer, ...engine, shardOptimizer };
  if (isFirst) await writeRecipe(out, recipe, how);
  const stage = { recipe, source: images.train, engine, workers, shardOptimizer, progress, signal, job };

  const tokenizer =
    recipe.mim.target === 'pixels'
      ? undefined
      : await timed('tokenizer', () => obtainTokenizer(stage, out, options.tokenizer, heldOut));
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
  const unreadable = await unreadableOfAll(job, [...(tokenizer?.unreadable ?? []), ...result.unreadable]);
  if (!findings) return { interrupted: result.interrupted, summary: [] };
  await saveSafetensors(
    join(out, 'model.safetensors'),
    result.params,
    writeModelMetadata({ config: recipe.mim.model, normalization: recipe.views.normalization }),
  );

  if (unreadable.length > 0)
    await writeFile(join(out, 'unreadable.json'), `${JSON.stringify(unreadable, null, 2)}\n`);
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
    seconds,
    unreadable,
  };
  progress.message('Drawing the report');
  const report = await makeReport(outcome, engine);
  const path = join(out, 'report.html');
  await writeFile(path, await renderReport(report));
  await writeFile(join(out, 'examples.png'), await contactSheet(columnsOf(report.examples)));
  await writeFile(
    join(out, 'results.json'),
    `${JSON.stringify({ ...findings.results, seconds, heldOut: heldOut.count }, null, 2)}\n`,
  );
  return { interrupted: false, summary: summaryOf(outcome), report: path };
}

async function readSeconds(out: string): Promise<Seconds> {
  const text = await readFile(join(out, 'seconds.json'), 'utf8').catch(() => undefined);
  return text === undefined ? { tokenizer: 0, pretrain: 0 } : (JSON.parse(text) as Seconds);
}

/** An example in each column, its pictures from the top. */
const columnsOf = (examples: readonly Example[]): Picture[][] =>
  examples[0]!.pictures.map((_, row) => examples.map(({ pictures }) => pictures[row]!.picture));
