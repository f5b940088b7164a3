import { basename, join } from 'node:path';
import {
  assertNoInput,
  framingAt,
  isOnHub,
  loadPretrained,
  newestPretraining,
  type Pretrained,
  passProgress,
  RUNS,
  runMain,
  typedIn,
  UsageError,
  writeJson,
  writeWhole,
} from '@beit/cli';
import type { Picture } from '@beit/report';
import { describeSize, type ImageSize, imageSides, makeFolder, shortSize } from '@beit/tensors';
import { type ProgressReporter, terminalProgress } from '@beit/trainer';
import { gridOf } from '@beit/vit';
import { centerFraming } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { type AttentionModel, openAttention } from './attentionModel';
import { drawFigure, mapsOf, type Query } from './figure';
import { bestHead, describeEstimate, describeHead, estimates, objectScores } from './measure';
import { HELP, type Options, type Point, parseOptions } from './options';
import { readPicture, wholeFraming } from './pictures';
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
  const { patchSize, imageSize, depth, inChannels = 3 } = pretrained.config;
  if (inChannels !== 3 && !(inChannels === 1 && options.images.length > 0))
    throw new UsageError(
      `The model takes images of ${inChannels} channels; expected 3, or 1 for --images, which are then shown in gray.`,
    );
  const { size = options.whole ? Math.min(...imageSides(imageSize)) : imageSize, block = depth } = options;
  if (imageSides(size).some((side) => side % patchSize !== 0))
    throw new UsageError(`--size is '${size}'; expected multiples of the patch size, ${patchSize}.`);
  if (block > depth) throw new UsageError(`--block is '${block}'; the model has ${depth} blocks.`);
  const out = options.out ?? outOf(pretrained.path);
  try {
    await makeFolder(out);
    const given = { ...options, pretrained, size, block, out };
    if (options.command === 'figure') await figure(given, progress);
    else await measure(given, progress);
  } finally {
    progress.stop();
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

/** A picture as the model sees it, and the patches that are asked where none are given. */
interface Seen {
  readonly name: string;
  readonly image: Picture;
  readonly points: readonly Point[];
}

interface Look extends Options {
  readonly pretrained: Pretrained;
  readonly size: ImageSize;
  readonly block: number;
  readonly out: string;
}

/** A program for pictures of one size, for as long as it is used. */
async function withModel<T>(
  { pretrained, engine }: Look,
  size: ImageSize,
  use: (model: AttentionModel) => Promise<T>,
): Promise<T> {
  const model = await openAttention(pretrained, size, engine);
  try {
    return await use(model);
  } finally {
    await model.dispose();
  }
}

async function figure(look: Look, progress: ProgressReporter): Promise<void> {
  const { images, points, scenes, block, out } = look;
  const [svgPath, pngPath, jsonPath] = ['svg', 'png', 'json'].map((kind) => join(out, `figure.${kind}`)) as [
    string,
    string,
    string,
  ];
  await assertNoInput([svgPath, pngPath, jsonPath], images);
  const seen =
    images.length > 0
      ? await Promise.all(images.map((path) => ofFile(path, look)))
      : await ofScenes(look, scenes);
  const engines = new Set<string>();
  const asked = new Map<Seen, Query[]>();
  for (const key of new Set(seen.map(keyOf))) {
    const group = seen.filter((own) => keyOf(own) === key);
    await withModel(look, sizeOf(group[0]!), async (model) => {
      engines.add(model.engine);
      for (const own of group) {
        const { name, image } = own;
        const layer = (await model.attention(image))[block - 1]!;
        const { gridSize } = model;
        const given = points.length > 0 ? points : own.points;
        asked.set(
          own,
          given.map((point) => ({ name, image, point, layer, gridSize })),
        );
      }
    });
  }
  const queries = seen.flatMap((own) => asked.get(own)!);
  const title = `Self-attention of block ${block} for ${queries.length} reference points`;
  const { svg, png } = await drawFigure(queries, title);
  const numbers = queries.map((query) => {
    const { heads, mean, kept } = mapsOf(query);
    return {
      name: query.name,
      size: shortSize(sizeOf(query)),
      gridSize: query.gridSize,
      point: query.point,
      heads: heads.map((map) => [...map]),
      mean: [...mean],
      kept: [...kept],
    };
  });
  await writeWhole(svgPath, svg);
  await writeWhole(pngPath, png);
  await writeWhole(jsonPath, JSON.stringify({ block, points: numbers }));
  progress.stop();
  const grids = new Set(queries.map(({ gridSize }) => gridSize.join('x')));
  console.log(`${title}, ${[...grids].join(' and ')} patches, with ${[...engines].join(', ')}.`);
  console.log(`Written to ${out}: figure.svg, figure.png, figure.json`);
}

const sizeOf = ({ image }: Pick<Seen, 'image'>) => [image.height, image.width] as const;
const keyOf = (seen: Seen) => describeSize(sizeOf(seen));

async function ofFile(path: string, { pretrained, size, whole }: Look): Promise<Seen> {
  const framing =
    framingAt(pretrained, whole ? undefined : size) ?? centerFraming({ imageSize: size, cropShare: 1 });
  const { patchSize, inChannels } = pretrained.config;
  const [shorter] = imageSides(size);
  const image = await readPicture(
    path,
    (file) => (whole ? wholeFraming(file, { shorter, patchSize }, framing) : framing),
    inChannels === 1 ? 1 : 3,
  );
  const [rows, columns] = gridOf({ imageSize: sizeOf({ image }), patchSize });
  return { name: basename(path), image, points: [[Math.floor(rows / 2), Math.floor(columns / 2)]] };
}

/** Points on up to two objects of each, the largest ones. */
async function ofScenes({ size, pretrained }: Look, scenes: number): Promise<Seen[]> {
  const gridSize = gridOf({ ...pretrained.config, imageSize: size });
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

async function measure(look: Look, progress: ProgressReporter): Promise<void> {
  const { size, scenes, out } = look;
  const scores = await withModel(look, size, async (model) => {
    const scene = await sceneSource(size, model.gridSize);
    return objectScores(model, scene, scenes, passProgress('scenes', progress.update));
  });
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
  await writeJson(join(out, 'objects.json'), { scenes, best, heads });
  console.log(`Written to ${join(out, 'objects.json')}`);
}

const COLUMNS = [
  ['AUC, same object', 'auc'],
  ['at equal distance', 'aucAtEqualDistance'],
  ['mass on the object', 'mass'],
] as const;

await runMain(main);
