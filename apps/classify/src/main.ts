import { join } from 'node:path';
import { assertNoInput, assertNoRun, passProgress, printSummary, runMain, trainCommand } from '@beit/cli';
import { terminalProgress } from '@beit/trainer';
import * as tf from '@tensorflow/tfjs';
import { dryRun } from './dryRun';
import { evaluate } from './evaluate';
import { exportModel } from './exportModel';
import { features } from './features';
import { metricRows, percent } from './metricRows';
import { HELP, type Options, parseOptions } from './options';
import { type Prediction, predict } from './predict';
import { probe } from './probe';
import { run } from './run';
import { writePredictions } from './writePredictions';

async function main(): Promise<number> {
  const options = await parseOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(HELP);
    return 0;
  }
  tf.enableProdMode();
  switch (options.command) {
    case 'train':
      return options.dryRun ? dryRunCommand(options) : train(options);
    case 'evaluate':
      return evaluateCommand(options);
    case 'predict':
      return predictCommand(options);
    case 'features':
      return featuresCommand(options);
    case 'export':
      return exportCommand(options);
    case 'probe':
      return probeCommand(options);
  }
}

async function dryRunCommand(options: Options): Promise<number> {
  await dryRun(options, terminalProgress({ quiet: options.quiet }));
  return 0;
}

function train(options: Options): Promise<number> {
  const { recipe, engine, quiet } = options;
  const out = options.out!;
  return trainCommand({
    about: recipe.about,
    engine,
    out,
    quiet,
    measuredOn: 'on validation images',
    agreement: {
      recipe,
      labels: options.labelsFrom,
      labelShare: options.labelShare,
      shardOptimizer: options.shardOptimizer,
    },
    run: (progress, signal, job) => run({ ...options, out }, progress, job, signal),
  });
}

async function evaluateCommand(options: Options): Promise<number> {
  if (options.out !== undefined) assertNoRun(options.out);
  const progress = terminalProgress({ quiet: options.quiet });
  const { evaluated, measured } = await evaluate({ ...options, model: options.model! }, progress);
  const { classes, about } = measured;
  printSummary(`on ${about}`, metricRows(evaluated, { classes, known: evaluated.labels }));
  const rows = evaluated.multiLabel
    ? evaluated.metrics.perClass.map(
        ({ averagePrecision, f1, images }) => [averagePrecision, f1, images] as const,
      )
    : evaluated.metrics.perClass.map((top1, label) => {
        const images = evaluated.metrics.confusion[label]!.reduce((a, b) => a + b, 0);
        return [top1, images] as const;
      });
  const line = (name: string, shares: readonly string[], images: string | number) =>
    console.log(
      [name.slice(0, 28).padEnd(28), ...shares.map((share) => share.padStart(7)), images].join('  '),
    );
  console.log('');
  line('class', evaluated.multiLabel ? ['AP', 'F1'] : ['top-1'], 'images');
  for (const [label, name] of classes.entries()) {
    const row = rows[label]!;
    line(name, row.slice(0, -1).map(percent), row.at(-1)!);
  }
  if (options.out !== undefined) console.log(`\nWritten to ${options.out}`);
  return 0;
}

async function predictCommand(options: Options): Promise<number> {
  const { message } = terminalProgress({ quiet: options.quiet });
  const kept: Prediction[] = [];
  let unreadable = 0;
  for await (const prediction of predict({ ...options, model: options.model! }, message)) {
    if (options.out !== undefined) kept.push(prediction);
    const { path } = prediction.file;
    if ('reason' in prediction) {
      unreadable++;
      console.error(`Cannot read ${path}: ${prediction.reason}`);
      continue;
    }
    console.log(path);
    for (const { name, probability } of prediction.classes)
      console.log(`  ${(100 * probability).toFixed(1).padStart(5)} %  ${name}`);
  }
  if (options.out !== undefined)
    for (const path of await writePredictions(options.out, kept)) console.log(path);
  return unreadable === 0 ? 0 : 1;
}

async function featuresCommand(options: Options): Promise<number> {
  const progress = terminalProgress({ quiet: options.quiet });
  const given = { ...options, checkpoint: options.checkpoint!, out: options.out! };
  const written = await features(given, progress, passProgress('pictures', progress.update));
  progress.stop();
  for (const { file, reason } of written.unreadable) console.error(`Left out: ${file.path}: ${reason}`);
  console.log(`${options.features} features, [${written.shape.join(', ')}]`);
  for (const path of written.paths) console.log(path);
  return written.unreadable.length === 0 ? 0 : 1;
}

async function exportCommand(options: Options): Promise<number> {
  const [model, out] = [options.model!, options.out!];
  assertNoRun(out);
  // The model may be a file, or a folder of such.
  const files = ['model.safetensors', 'config.json', 'preprocessor_config.json'];
  const inFolder = (folder: string) => files.map((file) => join(folder, file));
  await assertNoInput(inFolder(out), [model, ...inFolder(model)]);
  const { message } = terminalProgress({ quiet: options.quiet });
  for (const path of await exportModel({ ...options, model, out }, message)) console.log(path);
  return 0;
}

async function probeCommand(options: Options): Promise<number> {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`.padStart(10);
  const layers = await probe(options, terminalProgress({ quiet: options.quiet }));
  console.log('\nTop-1 on validation images, of frozen features');
  console.log(`${'block'.padEnd(8)}${'20 nearest'.padStart(10)}  ${'linear'.padStart(10)}`);
  for (const { layer, nearestNeighbors, linear } of layers)
    console.log(`${String(layer).padEnd(8)}${percent(nearestNeighbors)}  ${percent(linear)}`);
  if (options.out !== undefined) console.log(`\nWritten to ${options.out}`);
  return 0;
}

await runMain(main);
