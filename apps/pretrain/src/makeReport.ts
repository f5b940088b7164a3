import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { patchAttention } from '@beit/attention';
import type { EngineOptions } from '@beit/cli';
import type { Batch } from '@beit/data';
import { evenlySpread, type NextStep, pictureOf, type StageReport, type SummaryRow } from '@beit/report';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { readMetrics } from '@beit/trainer';
import type { Vit } from '@beit/vit';
import { coverageOf, type HeldOut } from './heldOut';
import { lastAttention } from './lastAttention';
import type { PretrainRecipe } from './recipe';
import type { AttentionExample, Report } from './report/reportData';
import type { Findings, Objective } from './targets/objective';

export interface Outcome {
  readonly recipe: PretrainRecipe;
  /** The folder of images, where it is not the recipe that says what they are. */
  readonly data?: string;
  readonly out: string;
  readonly engine: string;
  /** In a run with visual tokens. */
  readonly tokenizer?: NamedTensors;
  readonly objective: Objective;
  readonly model: NamedTensors;
  readonly findings: Findings;
  readonly heldOut: HeldOut;
  readonly title: (name: string) => string;
  /** What people should know of the files: sentences. */
  readonly notes: readonly string[];
  readonly seconds: Readonly<Record<'tokenizer' | 'pretrain', number>>;
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[];
}

const ATTENTION_EXAMPLES = 4;

/** The essentials, as shown in the terminal and on top of the page. */
export function summaryOf({ findings, tokenizer, seconds }: Outcome): SummaryRow[] {
  const minutes = (s: number) => `${(s / 60).toFixed(1)} min`;
  const parts = `tokenizer ${minutes(seconds.tokenizer)}, pre-training ${minutes(seconds.pretrain)}`;
  return [
    ...findings.summary,
    {
      label: 'Time',
      value: minutes(seconds.tokenizer + seconds.pretrain),
      note: tokenizer ? parts : 'pre-training',
    },
  ];
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
  { heldOut, objective: { vit }, model, recipe, title }: Outcome,
  engine: EngineOptions,
): Promise<AttentionExample[]> {
  const batch = heldOut.batches[0]!;
  const chosen = evenlySpread(ATTENTION_EXAMPLES, Math.min(batch.names.length, heldOut.count));
  const layers = await lastAttention(vit, backboneOf(vit, model), pick(batch, chosen), engine);
  const coverage = coverageOf(batch.opacity, vit.gridSize);
  const patches = vit.gridSize[0] * vit.gridSize[1];
  return chosen.map((index, i) => ({
    name: title(batch.names[index]!),
    image: pictureOf(batch.images, index, recipe.views.normalization),
    gridSize: vit.gridSize,
    points: referencePoints(coverage.subarray(index * patches, (index + 1) * patches), vit.gridSize).map(
      ({ row, column }) => ({
        row,
        column,
        heads: patchAttention(layers[i]!, vit.gridSize, [row, column]),
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

function nextSteps({ recipe, data, out, tokenizer }: Outcome): NextStep[] {
  const again = `pnpm --filter pretrain start -- --recipe ${join(out, 'recipe.json')}${data ? ` --data ${data}` : ''}`;
  return [
    tokenizer
      ? {
          text: 'Train longer: twice the epochs of both stages.',
          command: `${again} --epochs ${2 * recipe.tokenizer.epochs},${2 * recipe.mim.epochs}`,
        }
      : {
          text: 'Train longer: twice the epochs.',
          command: `${again} --epochs ${2 * recipe.mim.epochs}`,
        },
    {
      text: 'Use your own pictures: any folder of images.',
      command: 'pnpm --filter pretrain start -- --data photos',
    },
    tokenizer
      ? {
          text: 'Keep this tokenizer, and mask at random instead of in blocks.',
          command: `${again} --tokenizer ${join(out, 'tokenizer.safetensors')} --masking random`,
        }
      : { text: 'Predict visual tokens instead of pixels.', command: `${again} --target tokens` },
    {
      text: "See what the paper's own recipe would take.",
      command: 'pnpm --filter pretrain start -- --recipe beit-base-imagenet1k --dry-run',
    },
    { text: 'Watch the curves in TensorBoard.', command: `tensorboard --logdir ${out}` },
  ];
}

/** Everything that the page shows. */
export async function makeReport(outcome: Outcome, engine: EngineOptions): Promise<Report> {
  const { recipe, tokenizer, objective, model, findings } = outcome;
  return {
    title: `BEiT pre-training: ${recipe.name}`,
    recipe: recipe.about,
    engine: `${outcome.engine}, ${engine.precision}`,
    created: new Date().toISOString().slice(0, 16).replace('T', ' '),
    summary: summaryOf(outcome),
    stages: [
      ...(tokenizer ? [await stageReport(outcome, 'tokenizer', 'Stage 1: visual tokens', tokenizer)] : []),
      await stageReport(outcome, 'pretrain', objective.title, model),
    ],
    codeCounts: findings.codeCounts,
    examples: findings.examples,
    examplesNote: findings.examplesNote,
    attention: await attentionOf(outcome, engine),
    elbo: findings.elbo,
    config: JSON.parse(await readFile(join(outcome.out, 'recipe.json'), 'utf8')),
    files: { notes: outcome.notes, unreadable: outcome.unreadable },
    nextSteps: nextSteps(outcome),
  };
}
