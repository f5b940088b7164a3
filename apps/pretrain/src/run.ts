import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SummaryRow } from '@beit/apps-shared/report';
import { createDvae, type Dvae } from '@beit/dvae';
import type { ProgressReporter } from '@beit/trainer';
import { loadSafetensors, type NamedTensors, saveSafetensors } from '@beit/weights';
import { loadHeldOut, mimEvaluation, tokenizerEvaluation } from './heldOut';
import { loadImages } from './images';
import { loadTokenizer } from './loadTokenizer';
import { makeReport, type Outcome, summaryOf } from './makeReport';
import { createModel, mimStage } from './mimStage';
import type { RunOptions } from './options';
import { contactSheet } from './report/contactSheet';
import { renderReport } from './report/renderReport';
import { type StageResult, tokenizerStage } from './tokenizerStage';

export interface RunResult {
  readonly interrupted: boolean;
  /** Empty when interrupted. */
  readonly summary: readonly SummaryRow[];
  readonly report?: string;
}

/** What an earlier part of a run has taken; training goes on where it stopped, and so does the clock. */
type Seconds = { tokenizer: number; pretrain: number };

/** Both stages, evaluation and report. Everything is written below `options.out`; the same folder again continues the run. */
export async function run(
  options: RunOptions,
  progress: ProgressReporter,
  signal?: AbortSignal,
): Promise<RunResult> {
  const { recipe, out, engine } = options;
  const seconds = await readSeconds(out);
  const timed = async <T>(stage: keyof Seconds, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    try {
      return await work();
    } finally {
      seconds[stage] += (performance.now() - start) / 1000;
      await writeFile(join(out, 'seconds.json'), JSON.stringify(seconds));
    }
  };

  progress.message('Reading the images');
  const images = await loadImages(recipe, options.data);
  progress.message(
    `${images.train.names.length} images to train on, ${images.heldOut.names.length} held out`,
  );
  const heldOut = await loadHeldOut(recipe, images.heldOut);
  // Only now is this a run: a mistake in the folder of images leaves nothing behind.
  await mkdir(out, { recursive: true });
  await writeFile(
    join(out, 'recipe.json'),
    `${JSON.stringify({ ...recipe, data: options.data ?? recipe.data, tokenizerFile: options.tokenizer, ...engine }, null, 2)}\n`,
  );
  const stage = { recipe, source: images.train, engine, workers: options.workers, progress, signal };

  const dvae = createDvae(recipe.tokenizer.model);
  let trained: StageResult | undefined;
  let tokenizer: NamedTensors;
  if (options.tokenizer !== undefined)
    tokenizer = await loadTokenizer(options.tokenizer, recipe.tokenizer.model);
  else {
    const finished = await finishedTokenizer(join(out, 'tokenizer.safetensors'), dvae);
    if (finished) tokenizer = finished;
    else {
      trained = await timed('tokenizer', async () => {
        const evaluation = await tokenizerEvaluation(dvae, initial(dvae), heldOut, recipe, engine);
        const result = await tokenizerStage(
          { ...stage, runDir: join(out, 'tokenizer') },
          async (_dvae, params) => {
            const { metrics } = await evaluation.evaluate(params);
            return {
              psnr: metrics.psnr,
              perplexity: metrics.usage.perplexity,
              usedTokens: metrics.usage.used,
            };
          },
        );
        await evaluation.dispose();
        return result;
      });
      if (trained.interrupted) return { interrupted: true, summary: [] };
      tokenizer = trained.params;
    }
  }
  await saveSafetensors(join(out, 'tokenizer.safetensors'), tokenizer, {
    config: JSON.stringify(dvae.config),
  });

  const tokens = await tokenizerEvaluation(dvae, tokenizer, heldOut, recipe, engine);
  const { metrics: tokenizerMetrics, tokenized } = await tokens.evaluate(tokenizer);
  await tokens.dispose();

  const { vit, mim } = createModel(recipe);
  const { result, evaluated } = await timed('pretrain', async () => {
    const evaluation = await mimEvaluation(mim, zerosOf(vit, mim), heldOut, recipe, engine);
    const outcome = await mimStage(
      { ...stage, runDir: join(out, 'pretrain') },
      { dvae, params: tokenizer },
      async (params) => {
        const { metrics } = await evaluation.evaluate(params, tokenized);
        return {
          loss: metrics.loss,
          mimAccuracy: metrics.mimAccuracy,
          objectAccuracy: metrics.objectAccuracy,
        };
      },
    );
    const last = await evaluation.evaluate(outcome.params, tokenized);
    await evaluation.dispose();
    return { result: outcome, evaluated: last };
  });
  if (result.interrupted) return { interrupted: true, summary: [] };
  await saveSafetensors(join(out, 'model.safetensors'), result.params, {
    config: JSON.stringify(recipe.mim.model),
  });

  const unreadable = [...(trained?.unreadable ?? []), ...result.unreadable];
  if (unreadable.length > 0)
    await writeFile(join(out, 'unreadable.json'), `${JSON.stringify(unreadable, null, 2)}\n`);
  const outcome: Outcome = {
    recipe,
    out,
    engine: result.engine,
    dvae,
    tokenizer,
    vit,
    model: result.params,
    heldOut,
    title: images.title,
    tokenizerMetrics,
    tokenized,
    mimMetrics: evaluated.metrics,
    predictions: evaluated.predictions,
    seconds,
    unreadable,
  };
  progress.message('Drawing the report');
  const report = await makeReport(outcome, engine);
  const path = join(out, 'report.html');
  await writeFile(path, await renderReport(report));
  await writeFile(join(out, 'examples.png'), await contactSheet(report.examples));
  const { usage, ...numbers } = tokenizerMetrics;
  const { counts, ...used } = usage;
  await writeFile(
    join(out, 'results.json'),
    `${JSON.stringify({ tokenizer: { ...numbers, ...used }, pretrain: evaluated.metrics, seconds, heldOut: heldOut.count }, null, 2)}\n`,
  );
  return { interrupted: false, summary: summaryOf(outcome), report: path };
}

async function readSeconds(out: string): Promise<Seconds> {
  const text = await readFile(join(out, 'seconds.json'), 'utf8').catch(() => undefined);
  return text === undefined ? { tokenizer: 0, pretrain: 0 } : (JSON.parse(text) as Seconds);
}

/** The tokenizer of a run whose first stage is over. */
async function finishedTokenizer(path: string, dvae: Dvae): Promise<NamedTensors | undefined> {
  const file = await loadSafetensors(path).catch((error: { code?: string; cause?: { code?: string } }) => {
    if (error.code === 'ENOENT' || error.cause?.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return undefined;
  if (file.metadata.config !== JSON.stringify(dvae.config)) {
    throw new Error(`${path} is a tokenizer of another recipe. Choose another --out.`);
  }
  return file.tensors;
}

/** Parameters of the right shapes: an evaluation is compiled before there are trained ones. */
const zeros = (shapes: Record<string, readonly number[]>): NamedTensors =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      { dtype: 'float32', shape, data: new Float32Array(shape.reduce((size, dim) => size * dim, 1)) },
    ]),
  );
const initial = (dvae: Dvae) => zeros(dvae.parameterShapes());
const zerosOf = (vit: ReturnType<typeof createModel>['vit'], mim: ReturnType<typeof createModel>['mim']) =>
  zeros({
    ...vit.parameterShapes(),
    mask_token: [1, 1, vit.embedDim],
    'norm.weight': [vit.embedDim],
    'norm.bias': [vit.embedDim],
    'lm_head.weight': [mim.vocabSize, vit.embedDim],
    'lm_head.bias': [mim.vocabSize],
  });
