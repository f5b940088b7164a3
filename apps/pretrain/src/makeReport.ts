import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineOptions } from '@beit/apps-shared';
import type { NextStep, Picture, StageReport, SummaryRow } from '@beit/apps-shared/report';
import { compile } from '@beit/compile';
import type { Batch } from '@beit/data';
import type { Dvae } from '@beit/dvae';
import { elbo } from '@beit/mim';
import { readMetrics } from '@beit/trainer';
import type { Vit } from '@beit/vit';
import type { HostTensor, NamedTensors } from '@beit/weights';
import type * as tf from '@tensorflow/tfjs';
import {
  coverageOf,
  type HeldOut,
  lastAttention,
  type MimMetrics,
  type TokenizedBatch,
  type TokenizerMetrics,
} from './heldOut';
import type { PretrainRecipe } from './recipe';
import type { AttentionExample, ElboRow, Example, Report } from './report/reportData';

export interface Outcome {
  readonly recipe: PretrainRecipe;
  readonly out: string;
  readonly engine: string;
  readonly dvae: Dvae;
  readonly tokenizer: NamedTensors;
  readonly vit: Vit;
  readonly model: NamedTensors;
  readonly heldOut: HeldOut;
  readonly title: (name: string) => string;
  readonly tokenizerMetrics: TokenizerMetrics;
  readonly tokenized: readonly TokenizedBatch[];
  readonly mimMetrics: MimMetrics;
  readonly predictions: readonly HostTensor[];
  readonly seconds: Readonly<Record<'tokenizer' | 'pretrain', number>>;
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[];
}

const EXAMPLES = 8;
const ATTENTION_EXAMPLES = 4;
const GREY = 0.62;
const percent = (x: number) => `${(100 * x).toFixed(1)} %`;

/** The essentials, as shown in the terminal and on top of the page. */
export function summaryOf({
  tokenizerMetrics: t,
  mimMetrics: m,
  recipe,
  heldOut,
  seconds,
}: Outcome): SummaryRow[] {
  const { vocabSize } = recipe.tokenizer.model;
  return [
    {
      label: 'Reconstruction, PSNR',
      value: `${t.psnr.toFixed(2)} dB`,
      baseline: `${t.meanImagePsnr.toFixed(2)} dB`,
      note: `from the most likely tokens of ${heldOut.count} held-out images; baseline: their mean image`,
    },
    {
      label: 'Codebook perplexity',
      value: t.usage.perplexity.toFixed(1),
      baseline: `${vocabSize / 4}`,
      note: `${t.usage.used} of ${vocabSize} tokens in use, the most frequent ${percent(t.usage.mostFrequent)}; baseline: a quarter of the vocabulary`,
    },
    {
      label: 'Masked-token accuracy, all patches',
      value: percent(m.mimAccuracy),
      baseline: percent(m.mostFrequent),
      note: `${(m.mimAccuracy / m.mostFrequent).toFixed(1)} times the baseline: always answering the most frequent token`,
    },
    {
      label: 'Masked-token accuracy, patches of the object',
      value: percent(m.objectAccuracy),
      baseline: percent(m.objectMostFrequent),
      note: `${(m.objectAccuracy / m.objectMostFrequent).toFixed(1)} times the baseline: always answering the token most frequent there`,
    },
    {
      label: 'Masked-token loss',
      value: `${m.loss.toFixed(3)} nats`,
      baseline: `${Math.log(vocabSize).toFixed(3)} nats`,
      note: 'baseline: every token alike',
    },
    {
      label: 'Time',
      value: `${((seconds.tokenizer + seconds.pretrain) / 60).toFixed(1)} min`,
      note: `tokenizer ${(seconds.tokenizer / 60).toFixed(1)} min, pre-training ${(seconds.pretrain / 60).toFixed(1)} min`,
    },
  ];
}

function elboRows({ tokenizerMetrics: t, mimMetrics: m, recipe }: Outcome): ElboRow[] {
  const [patches, size] = [
    (recipe.mim.model.imageSize / recipe.mim.model.patchSize) ** 2,
    recipe.views.tokenImageSize,
  ];
  const report = elbo({
    reconstructionNll: t.sampledNll,
    klToUniform: t.kl,
    argmaxReconstructionNll: t.argmaxNll,
    maskedTokenNll: m.maskedTokenNll,
    allTokensNll: m.allTokensNll,
    patches,
    maskedPatches: m.maskedPatches,
    vocabSize: recipe.tokenizer.model.vocabSize,
    subpixels: 3 * size * size,
  });
  const nats = 'nats per image';
  return [
    {
      term: 'Stage 1: reconstruction',
      symbol: 'E_q[log p(x | z)]',
      value: -t.sampledNll,
      unit: nats,
      note: 'tokens drawn from q(z | x)',
    },
    {
      term: 'Stage 1: divergence',
      symbol: 'KL[q(z | x) || uniform]',
      value: t.kl,
      unit: nats,
      note: `at most ${patches} ln ${recipe.tokenizer.model.vocabSize} = ${(patches * Math.log(recipe.tokenizer.model.vocabSize)).toFixed(0)}`,
    },
    {
      term: 'Stage 1: bound',
      symbol: 'ELBO_1',
      value: report.stage1,
      unit: nats,
      note: `${report.stage1BitsPerSubpixel.toFixed(3)} bits per sub-pixel of the mapped image`,
    },
    {
      term: 'Stage 2: reconstruction',
      symbol: 'log p(x | ẑ)',
      value: -t.argmaxNll,
      unit: nats,
      note: 'the most likely tokens, frozen',
    },
    {
      term: 'Stage 2: masked tokens',
      symbol: 'Σ_masked log p(ẑ_i | x̃)',
      value: -m.maskedTokenNll,
      unit: nats,
      note: `what is trained; uniform would be ${(-report.uniformMaskedNll).toFixed(1)}`,
    },
    {
      term: 'Stage 2: visible tokens',
      symbol: 'Σ_visible log p(ẑ_i | x̃)',
      value: -report.visibleTokenNll,
      unit: nats,
      note: 'part of the bound, but not of the loss: never trained',
    },
    {
      term: 'Stage 2: partial bound',
      symbol: 'log p(x | ẑ) + Σ_masked log p(ẑ_i | x̃)',
      value: report.stage2Masked,
      unit: nats,
      note: 'visible tokens taken as known',
    },
    {
      term: 'Stage 2: bound',
      symbol: 'ELBO_2',
      value: report.stage2All,
      unit: nats,
      note: `${report.stage2BitsPerSubpixel.toFixed(3)} bits per sub-pixel`,
    },
  ];
}

const ELBO_NOTE =
  'Stage 1 bounds log p(x) with a uniform prior over tokens; stage 2 keeps encoder and decoder and learns the prior p(z | x̃) ' +
  'from corrupted images instead (section 2.4 of the paper). The bound of stage 2 asks for the probability of every token; ' +
  'BEiT trains the masked ones alone, so its loss is only a part of the bound.';

/** One image of a batch, as a picture in [0, 1]. */
function pictureOf(
  tensor: HostTensor,
  index: number,
  denormalize: (x: number, channel: number) => number = (x) => x,
): Picture {
  const [, height, width] = tensor.shape as [number, number, number];
  const size = height * width * 3;
  const data = (tensor.data as Float32Array)
    .slice(index * size, (index + 1) * size)
    .map((x, i) => denormalize(x, i % 3));
  return { width, height, data };
}

/** With the masked patches grey. */
function greyed(picture: Picture, mask: Uint8Array, [rows, columns]: readonly [number, number]): Picture {
  const data = picture.data.slice();
  for (let i = 0; i < picture.width * picture.height; i++) {
    const row = Math.floor((Math.floor(i / picture.width) * rows) / picture.height);
    const column = Math.floor(((i % picture.width) * columns) / picture.width);
    if (mask[row * columns + column] === 1) data.fill(GREY, 3 * i, 3 * i + 3);
  }
  return { ...picture, data };
}

/** At most `wanted` of `count` indices, evenly spread. */
function spread(wanted: number, count: number): number[] {
  const chosen = Math.min(wanted, count);
  return Array.from({ length: chosen }, (_, i) => Math.floor(((i + 0.5) * count) / chosen));
}

async function examplesOf(outcome: Outcome, engine: EngineOptions): Promise<Example[]> {
  const { heldOut, dvae, tokenizer, tokenized, predictions, vit } = outcome;
  const { gridSize } = vit;
  const patches = gridSize[0] * gridSize[1];
  const chosen = spread(EXAMPLES, heldOut.count);
  const places = chosen.map(
    (index) => [Math.floor(index / heldOut.batchSize), index % heldOut.batchSize] as const,
  );

  const completed = new Int32Array(places.length * patches);
  places.forEach(([batch, index], i) => {
    const mask = heldOut.batches[batch]!.masks[index]!;
    for (let k = 0; k < patches; k++) {
      const tokens = mask[k] === 1 ? predictions[batch]! : tokenized[batch]!.tokens;
      completed[i * patches + k] = tokens.data[index * patches + k]!;
    }
  });
  const decoded = await decodeTokens(
    dvae,
    tokenizer,
    { dtype: 'int32', shape: [places.length, patches], data: completed },
    gridSize,
    engine,
  );

  return places.map(([b, index], i): Example => {
    const batch = heldOut.batches[b]!;
    const mask = batch.masks[index]!;
    const original = pictureOf(batch.images, index, denormalizer(outcome.recipe));
    const reconstruction = pictureOf(tokenized[b]!.reconstruction, index);
    const masked = mask.reduce((count, m) => count + m, 0);
    const right = mask.reduce((count, m, k) => {
      const at = index * patches + k;
      return count + (m === 1 && predictions[b]!.data[at] === tokenized[b]!.tokens.data[at] ? 1 : 0);
    }, 0);
    return {
      name: outcome.title(batch.names[index]!),
      original,
      reconstruction,
      masked: greyed(original, mask, gridSize),
      visibleTokens: greyed(reconstruction, mask, gridSize),
      prediction: pictureOf(decoded, i),
      maskedTokenAccuracy: right / masked,
    };
  });
}

const denormalizer =
  ({ views: { normalization } }: PretrainRecipe) =>
  (x: number, channel: number) =>
    x * normalization.std[channel]! + normalization.mean[channel]!;

async function decodeTokens(
  dvae: Dvae,
  params: NamedTensors,
  tokens: HostTensor,
  gridSize: readonly [number, number],
  engine: EngineOptions,
): Promise<HostTensor> {
  const program = await compile(
    (state: Record<string, tf.Tensor>, inputs: { tokens: tf.Tensor }) => ({
      state,
      outputs: { images: dvae.decodeTokens(state, inputs.tokens, gridSize) as tf.Tensor },
    }),
    { state: params, inputs: { tokens: { dtype: 'int32', shape: tokens.shape } } },
    engine,
  );
  const { images } = await program.run({ tokens });
  await program.dispose();
  return images;
}

/** The middle of the object, and the patch at its edge that is farthest from there. */
function referencePoints(coverage: Float32Array, [rows, columns]: readonly [number, number]) {
  const cells = Array.from(coverage, (share, i) => ({
    share,
    row: Math.floor(i / columns),
    column: i % columns,
  }));
  const distance = (a: { row: number; column: number }, b: { row: number; column: number }) =>
    Math.hypot(a.row - b.row, a.column - b.column);
  const middle = { row: (rows - 1) / 2, column: (columns - 1) / 2 };
  const inside = cells.filter(({ share }) => share > 0.9);
  const candidates = inside.length > 1 ? inside : cells;
  const first = candidates.reduce((best, cell) =>
    distance(cell, middle) < distance(best, middle) ? cell : best,
  );
  const second = candidates.reduce((best, cell) =>
    distance(cell, first) > distance(best, first) ? cell : best,
  );
  return [first, second];
}

async function attentionOf(
  { heldOut, vit, model, recipe, title }: Outcome,
  engine: EngineOptions,
): Promise<AttentionExample[]> {
  const batch = heldOut.batches[0]!;
  const chosen = spread(ATTENTION_EXAMPLES, Math.min(batch.names.length, heldOut.count));
  const attention = await lastAttention(vit, backboneOf(vit, model), pick(batch, chosen), engine);
  const [, heads, tokens] = attention.shape as [number, number, number, number];
  const coverage = coverageOf(batch.opacity, vit.gridSize);
  const patches = tokens - 1;
  return chosen.map((index, i) => ({
    name: title(batch.names[index]!),
    image: pictureOf(batch.images, index, denormalizer(recipe)),
    gridSize: vit.gridSize,
    points: referencePoints(coverage.subarray(index * patches, (index + 1) * patches), vit.gridSize).map(
      ({ row, column }) => ({
        row,
        column,
        heads: Array.from({ length: heads }, (_, head) => {
          const query = ((i * heads + head) * tokens + row * vit.gridSize[1] + column + 1) * tokens;
          return (attention.data as Float32Array).slice(query + 1, query + tokens);
        }),
      }),
    ),
  }));
}

/** The parameters of the encoder alone: a program takes no others than it uses. */
const backboneOf = (vit: Vit, params: NamedTensors): NamedTensors =>
  Object.fromEntries(Object.keys(vit.parameterShapes()).map((name) => [name, params[name]!]));

function pick({ images }: Batch, indices: readonly number[]): HostTensor {
  const [, h, w, c] = images.shape as [number, number, number, number];
  const size = h * w * c;
  const data = new Float32Array(indices.length * size);
  indices.forEach((index, i) => {
    data.set((images.data as Float32Array).subarray(index * size, (index + 1) * size), i * size);
  });
  return { dtype: 'float32', shape: [indices.length, h, w, c], data };
}

async function stageReport(
  outcome: Outcome,
  name: 'tokenizer' | 'pretrain',
  title: string,
  params: NamedTensors,
): Promise<StageReport> {
  const metrics = await readMetrics(join(outcome.out, name)).catch(() => []);
  const speeds = metrics.flatMap((m) =>
    m.kind === 'train' && typeof m.imagesPerSecond === 'number' ? [m.imagesPerSecond] : [],
  );
  return {
    name,
    title,
    metrics,
    imagesPerSecond: speeds.length === 0 ? 0 : speeds.sort((a, b) => a - b)[Math.floor(speeds.length / 2)]!,
    seconds: outcome.seconds[name],
    parameters: Object.values(params).reduce((sum, { data }) => sum + data.length, 0),
  };
}

function nextSteps({ recipe, out, unreadable }: Outcome): NextStep[] {
  return [
    ...(unreadable.length > 0
      ? [
          {
            text: `${unreadable.length} files could not be read and were replaced by others, such as ${unreadable[0]!.name} (${unreadable[0]!.reason}).`,
            command: `cat ${join(out, 'unreadable.json')}`,
          },
        ]
      : []),
    {
      text: 'Train longer: twice the epochs of both stages.',
      command: `pnpm --filter pretrain start -- --epochs ${2 * recipe.tokenizer.epochs},${2 * recipe.mim.epochs}`,
    },
    {
      text: 'Use your own pictures: any folder of images.',
      command: 'pnpm --filter pretrain start -- --data photos',
    },
    {
      text: 'Keep this tokenizer, and mask at random instead of in blocks.',
      command: `pnpm --filter pretrain start -- --tokenizer ${join(out, 'tokenizer.safetensors')} --masking random`,
    },
    {
      text: "See what the paper's own recipe would take.",
      command: 'pnpm --filter pretrain start -- --recipe beit-base-imagenet1k --dry-run',
    },
    { text: 'Watch the curves in TensorBoard.', command: `tensorboard --logdir ${out}` },
  ];
}

/** Everything that the page shows. */
export async function makeReport(outcome: Outcome, engine: EngineOptions): Promise<Report> {
  const { recipe, tokenizer, model, tokenizerMetrics } = outcome;
  return {
    title: `BEiT pre-training: ${recipe.name}`,
    recipe: recipe.about,
    engine: `${outcome.engine}, ${engine.precision}`,
    created: new Date().toISOString().slice(0, 16).replace('T', ' '),
    summary: summaryOf(outcome),
    stages: [
      await stageReport(outcome, 'tokenizer', 'Stage 1: visual tokens', tokenizer),
      await stageReport(outcome, 'pretrain', 'Stage 2: masked image modelling', model),
    ],
    codeCounts: tokenizerMetrics.usage.counts,
    examples: await examplesOf(outcome, engine),
    attention: await attentionOf(outcome, engine),
    elbo: elboRows(outcome),
    elboNote: ELBO_NOTE,
    config: JSON.parse(await readFile(join(outcome.out, 'recipe.json'), 'utf8')),
    nextSteps: nextSteps(outcome),
  };
}
