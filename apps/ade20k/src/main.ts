import { relative } from 'node:path';
import { printSummary, runMain, trainCommand } from '@beit/cli';
import { SEGMENTATION_PARTS } from '@beit/data';
import { terminalProgress } from '@beit/trainer';
import * as tf from '@tensorflow/tfjs';
import { dryRun } from './dryRun';
import { evaluate } from './evaluate';
import { metricRows } from './makeReport';
import { convertMasks, listMasks, paletteToFill } from './masks';
import { HELP, type Options, parseOptions } from './options';
import { readPalette } from './palette';
import { predict } from './predict';
import { run } from './run';

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
    case 'masks':
      return masksCommand(options);
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
    agreement: { recipe, shardOptimizer: options.shardOptimizer },
    run: (progress, signal, job) => run({ ...options, out }, progress, job, signal),
  });
}

async function evaluateCommand(options: Options): Promise<number> {
  const progress = terminalProgress({ quiet: options.quiet });
  const { metrics, dataset } = await evaluate({ ...options, model: options.model! }, progress);
  printSummary(`on ${options.part} images`, metricRows(metrics, dataset.classes));
  const percent = (x: number) => (Number.isNaN(x) ? 'n/a' : `${(100 * x).toFixed(1)} %`).padStart(9);
  console.log(`\n${'class'.padEnd(28)}  ${'IoU'.padStart(9)}  ${'accuracy'.padStart(9)}`);
  for (const [label, name] of dataset.classes.entries()) {
    const [iou, accuracy] = [metrics.iou[label]!, metrics.classAccuracy[label]!];
    console.log(`${name.slice(0, 28).padEnd(28)}  ${percent(iou)}  ${percent(accuracy)}`);
  }
  if (options.out !== undefined) console.log(`\nWritten to ${options.out}`);
  return 0;
}

async function predictCommand(options: Options): Promise<number> {
  const { model, out } = options;
  const { message } = terminalProgress({ quiet: options.quiet });
  for await (const { file, written, classes } of predict({ ...options, model: model!, out: out! }, message)) {
    const shown = classes
      .slice(0, options.top)
      .map(({ name, share }) => `${name} ${(100 * share).toFixed(1)} %`);
    console.log(`${file}\n  ${shown.join(', ')}\n  ${relative(out!, written)}`);
  }
  console.log(`\nWritten to ${out}`);
  return 0;
}

async function masksCommand({ data, palette, out, quiet }: Options): Promise<number> {
  const directory = data!;
  const progress = terminalProgress({ quiet });
  if (palette !== undefined) {
    const read = await readPalette(palette);
    await convertMasks({ directory, palette: read, out: out! }, progress).finally(progress.stop);
    console.log(
      `Written to ${out}, with ${read.classes.length} classes. Train with --data ${out} --labels from-zero`,
    );
    return 0;
  }
  const found = await listMasks(directory, progress).finally(progress.stop);
  const parts = SEGMENTATION_PARTS.filter((part) => found.masks[part] > 0);
  const row = (key: string, share: string, counts: readonly string[]) =>
    key.padEnd(10) + share.padStart(14) + counts.map((count) => count.padStart(12)).join('');
  console.log(row('mask', 'of all pixels', parts));
  for (const { key, pixels, masks } of found.values) {
    const share = `${((100 * pixels) / found.pixels).toFixed(2)} %`;
    console.log(
      row(
        key,
        share,
        parts.map((part) => `${masks[part]}`),
      ),
    );
  }
  for (const { name, reason } of found.unreadable) console.log(`Cannot be read: ${name}: ${reason}`);
  if (found.classes)
    console.log(`\nclasses.json has ${found.classes.length} names: ${found.classes.join(', ')}`);
  console.log(
    `\nTo turn these into classes, save this with names, null for none, and give it as --palette FILE --out DIR:\n${paletteToFill(found)}`,
  );
  return found.unreadable.length === 0 ? 0 : 1;
}

await runMain(main);
