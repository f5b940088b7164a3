import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  assertNoInput,
  framingAt,
  isOnHub,
  loadPretrained,
  newestPretraining,
  passProgress,
  RUNS,
  runMain,
  typedIn,
  UsageError,
} from '@beit/cli';
import type { Picture } from '@beit/report';
import { type ProgressReporter, terminalProgress } from '@beit/trainer';
import { centerFraming, type Framing } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { type AttentionModel, openAttention } from './attentionModel';
import { drawFigure, mapsOf, type Query } from './figure';
import { bestHead, describeEstimate, describeHead, estimates, objectScores } from './measure';
import { HELP, type Options, parseOptions } from './options';
import { readSquare } from './pictures';
import { middlePatch, sceneSource } from './sceneObjects';

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(HELP);
    return 0;
  }
  tf.enableProdMode();
  const progress = terminalProgress({ quiet: options.quiet });
  const checkpoint = options.checkpoint ?? (await newestPretraining('emoji'));
  if (checkpoint === undefined)
    throw new UsageError(
      `There is nothing to look at: no finished pre-training run 'emoji' in ${RUNS}. ` +
        'First pnpm --filter pretrain start; or --checkpoint RUN_OR_FILE.',
    );
  const pretrained = await loadPretrained(checkpoint, { heads: options.heads });
  progress.message(`Looking at ${pretrained.path}.`);
  for (const note of pretrained.notes) progress.message(note);
  const { patchSize, imageSize } = pretrained.config;
  const { size = imageSize, block = pretrained.config.depth } = options;
  if (size % patchSize !== 0)
    throw new UsageError(`--size is '${size}'; expected a multiple of the patch size, ${patchSize}.`);
  if (block > pretrained.config.depth)
    throw new UsageError(`--block is '${block}'; the model has ${pretrained.config.depth} blocks.`);
  const out = options.out ?? outOf(pretrained.path);
  const framing = framingAt(pretrained, size) ?? centerFraming({ imageSize: size, cropShare: 1 });
  const model = await openAttention(pretrained, size, options.engine);
  try {
    await mkdir(out, { recursive: true });
    if (options.command === 'figure') await figure(model, { ...options, block, out, framing }, progress);
    else await measure(model, { ...options, out }, progress);
  } finally {
    progress.stop();
    await model.dispose();
  }
  return 0;
}

/** Beside a run's other files; of what is on the Hub, where one is. */
const outOf = (checkpoint: string): string =>
  isOnHub(checkpoint)
    ? join(typedIn(), 'attention')
    : /\.\w+$/.test(basename(checkpoint))
      ? join(checkpoint, '../attention')
      : join(checkpoint, 'attention');

interface Seen {
  readonly name: string;
  readonly image: Picture;
  readonly points: readonly (readonly [number, number])[];
}

interface FigureOptions extends Options {
  readonly block: number;
  readonly out: string;
  /** How pictures come to the model's size. */
  readonly framing: Framing;
}

async function figure(
  model: AttentionModel,
  { images, points, scenes, block, out, framing }: FigureOptions,
  progress: ProgressReporter,
): Promise<void> {
  const [svgPath, pngPath, jsonPath] = ['svg', 'png', 'json'].map((kind) => join(out, `figure.${kind}`)) as [
    string,
    string,
    string,
  ];
  await assertNoInput([svgPath, pngPath, jsonPath], images);
  const seen =
    images.length > 0
      ? await Promise.all(images.map((path) => ofFile(path, model, framing)))
      : await ofScenes(scenes, model);
  const queries: Query[] = [];
  for (const { name, image, points: own } of seen) {
    const layer = (await model.attention(image))[block - 1]!;
    for (const point of points.length > 0 ? points : own) queries.push({ name, image, point, layer });
  }
  const title = `Self-attention of block ${block} for ${queries.length} reference points`;
  const { svg, png } = await drawFigure(queries, model.gridSize, title);
  const numbers = queries.map((query) => {
    const { heads, mean, kept } = mapsOf(query, model.gridSize);
    return {
      name: query.name,
      point: query.point,
      heads: heads.map((map) => [...map]),
      mean: [...mean],
      kept: [...kept],
    };
  });
  await writeFile(svgPath, svg);
  await writeFile(pngPath, png);
  await writeFile(
    jsonPath,
    JSON.stringify({ block, size: model.size, gridSize: model.gridSize, points: numbers }),
  );
  progress.stop();
  console.log(`${title}, ${model.gridSize.join('x')} patches, with ${model.engine}.`);
  console.log(`Written to ${out}: figure.svg, figure.png, figure.json`);
}

async function ofFile(
  path: string,
  { size, gridSize: [rows, columns] }: AttentionModel,
  framing: Framing,
): Promise<Seen> {
  const middle = [Math.floor(rows / 2), Math.floor(columns / 2)] as const;
  return { name: basename(path), image: await readSquare(path, size, framing), points: [middle] };
}

/** Points on up to two objects of each, the largest ones. */
async function ofScenes(scenes: number, { size, gridSize }: AttentionModel): Promise<Seen[]> {
  const scene = await sceneSource(size, gridSize);
  return Promise.all(
    Array.from({ length: scenes }, async (_, index) => {
      const { image, objects } = await scene(index);
      const area = (object: Uint8Array) => object.reduce((sum, is) => sum + is, 0);
      const largest = [...objects].sort((a, b) => area(b) - area(a)).slice(0, 2);
      return {
        name: `scene ${index + 1}`,
        image,
        points: largest.map((object) => middlePatch(object, gridSize)),
      };
    }),
  );
}

async function measure(
  model: AttentionModel,
  { scenes, out }: Options & { readonly out: string },
  progress: ProgressReporter,
): Promise<void> {
  const scene = await sceneSource(model.size, model.gridSize);
  const scores = await objectScores(model, scene, scenes, passProgress('scenes', progress.update));
  progress.stop();
  console.log(`${'block, head'.padEnd(26)}  ${COLUMNS.map(([title]) => title.padEnd(20)).join('  ')}`);
  const heads = scores.map(({ block, head, scenes }) => ({ block, head, ...estimates(scenes) }));
  for (const own of heads)
    console.log(
      `${describeHead(own).padEnd(26)}  ${COLUMNS.map(([, metric]) => describeEstimate(own[metric])).join('  ')}`,
    );
  const best = { byAuc: bestHead(scores, 'auc'), atEqualDistance: bestHead(scores, 'aucAtEqualDistance') };
  console.log(
    `\nBest, chosen on one half of the scenes and measured on the other:\n` +
      `  ${describeEstimate(best.byAuc.auc)}, ${describeHead(best.byAuc)}\n` +
      `  ${describeEstimate(best.atEqualDistance.aucAtEqualDistance)} among patches at equal distance, ${describeHead(best.atEqualDistance)}\n` +
      `Mass of the former on the object: ${describeEstimate(best.byAuc.mass)}; it takes ${best.byAuc.area.mean.toFixed(3)} of the grid.`,
  );
  await writeFile(join(out, 'objects.json'), `${JSON.stringify({ scenes, best, heads }, null, 1)}\n`);
  console.log(`Written to ${join(out, 'objects.json')}`);
}

const COLUMNS = [
  ['AUC, same object', 'auc'],
  ['at equal distance', 'aucAtEqualDistance'],
  ['mass on the object', 'mass'],
] as const;

await runMain(main);
