/** Does attention tell objects apart? See `HELP`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  flag,
  loadPretrained,
  option,
  optionHelp,
  type Pretrained,
  parseOptionTable,
  passProgress,
  path,
  RUNS,
  runMain,
  UsageError,
  whole,
} from '@beit/cli';
import { environment, experimentOptions, publishFindings } from '@beit/experiments';
import { createRandom } from '@beit/random';
import { describeSize } from '@beit/tensors';
import { terminalProgress } from '@beit/trainer';
import { createVit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import { openAttention } from '../attentionModel';
import { estimates, objectScores } from '../measure';
import { sceneSource } from '../sceneObjects';
import { openMaskedQueries } from './maskedQueryModel';
import { nearnessModel } from './nearnessModel';
import {
  type Measured,
  objectsFigure,
  objectsPage,
  objectsSummary,
  STARTS,
  type Start,
} from './objectsResult';

const SCENES = 400;
const REDUCED_SCENES = 8;

const OPTIONS = {
  pretrained: option('RUN', 'default: runs/efficiency/beit-seed-0', path),
  finetuned: option('RUN', 'default: runs/efficiency/classify-beit-seed-0-labels-1-epochs-20', path),
  scratch: option('RUN', 'default: runs/efficiency/classify-scratch-seed-0-labels-1-epochs-60', path),
  scenes: option('N', `default: ${SCENES}`, whole(2)),
  reduced: flag(
    `${REDUCED_SCENES} scenes and the runs of the reduced form of experiment:efficiency: shows that it runs`,
  ),
  out: option(
    'DIR',
    'where the results go (default: docs/results; of the reduced form, runs/attention-reduced)',
    path,
  ),
};

const HELP = `Usage: pnpm experiment:attention [options]

Does self-attention tell objects apart that nobody has labelled? On scenes of emoji with true masks: the area under the ROC
curve of "the same object", given the attention of a patch on it, for every head; of a network at random, pre-trained as
BEiT, fine-tuned from that, and trained from scratch; and of patches that are masked themselves. Trains nothing: it takes
what experiment:efficiency leaves behind.

${optionHelp(OPTIONS, 20)}`;

/** With what `experiment:efficiency` calls them, in full and reduced. */
const DEFAULTS = {
  pretrained: ['beit-seed-0', 'beit-seed-0'],
  finetuned: ['classify-beit-seed-0-labels-1-epochs-20', 'classify-beit-seed-0-labels-1-epochs-1'],
  scratch: ['classify-scratch-seed-0-labels-1-epochs-60', 'classify-scratch-seed-0-labels-1-epochs-3'],
} as const;

async function main(): Promise<number> {
  const parsed = parseOptionTable(OPTIONS, process.argv.slice(2));
  if (parsed === 'help') {
    console.log(HELP);
    return 0;
  }
  const { values } = parsed;
  tf.enableProdMode();
  const { reduced } = values;
  const options = await experimentOptions('attention', { reduced, out: values.out, parallel: 1 }, 1);
  const scenes = values.scenes ?? (reduced ? REDUCED_SCENES : SCENES);
  const efficiency = join(RUNS, reduced ? 'efficiency-reduced' : 'efficiency');
  const load = async (name: keyof typeof DEFAULTS): Promise<Pretrained> => {
    const folder = values[name] ?? join(efficiency, DEFAULTS[name][reduced ? 1 : 0]);
    if (!existsSync(folder))
      throw new UsageError(`There is no run ${folder}: give --${name}, or pnpm experiment:efficiency first.`);
    return loadPretrained(folder);
  };
  const pretrained = await load('pretrained');
  const drawn = createVit(pretrained.config).init(createRandom(0, 'attention'));
  const random = { ...pretrained, tensors: { mask_token: pretrained.tensors.mask_token!, ...drawn } };
  const checkpoints: Record<Exclude<Start, 'nearness'>, Pretrained> = {
    random,
    pretrained,
    maskedRandom: random,
    maskedPretrained: pretrained,
    finetuned: await load('finetuned'),
    scratch: await load('scratch'),
  };

  const progress = terminalProgress({});
  const { imageSize: size, patchSize } = pretrained.config;
  if (typeof size !== 'number')
    throw new UsageError(
      `--pretrained is of images of ${describeSize(size)} pixels; the experiment is on squares.`,
    );
  const side = size / patchSize;
  const scene = await sceneSource(size, [side, side]);
  const measured: Measured[] = [];
  for (const start of STARTS) {
    const open = start.startsWith('masked') ? openMaskedQueries : openAttention;
    const model =
      start === 'nearness'
        ? nearnessModel(size, side)
        : await open(checkpoints[start], size, { engine: 'auto', precision: 'fp32' });
    const heads = await objectScores(model, scene, scenes, passProgress(`scenes, ${start}`, progress.update));
    measured.push({ start, heads });
    await model.dispose();
  }
  progress.stop();
  const result = {
    summary: objectsSummary(measured),
    scenes,
    gridSide: side,
    environment: environment(options),
    heads: measured.flatMap(({ start, heads }) =>
      heads.map(({ block, head, scenes }) => ({ start, block, head, ...estimates(scenes) })),
    ),
  };
  await publishFindings('attention', options, {
    result,
    figure: objectsFigure(measured),
    page: objectsPage(result, measured),
  });
  return 0;
}

await runMain(main);
