import { type ResizeGridOptions, resizeGrid, resizeWeights } from '@beit/nn';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { adaptInputChannels } from './adaptInputChannels';
import { linearWeights, splineWeights } from './interpolationWeights';
import { relativePositionRows } from './relativePositionBias';
import { type GridSize, gridOf, resolveVitConfig, type VitConfig } from './vitConfig';

/** How absolute positions are interpolated: as torch does without antialiasing, or with it, where its cubic is another one. */
export type PositionFilter = 'bicubic' | 'bilinear' | 'bicubic-antialiased';

/**
 * How tables of relative positions are: by a cubic spline, or linearly, between offsets that are stretched in a geometric
 * progression; or as if the table were a picture, near offsets like far ones.
 */
export type TableFilter = 'geometric-cubic' | 'geometric-linear' | 'bilinear';

export interface ResizeOptions {
  /** Default 'bicubic'. */
  readonly positions?: PositionFilter;
  /** Default 'geometric-cubic'. */
  readonly tables?: TableFilter;
}

/**
 * What others make of a model of another resolution, for their numbers: the official fine-tuning, the default (unilm
 * beit/run_class_finetuning.py); timm's `set_input_size` and `img_size` (1.0.31, layers/pos_embed.py, pos_embed_rel.py); what
 * transformers does inside of the model (5.24, models/beit/modeling_beit.py).
 */
export const RESIZING = {
  official: { positions: 'bicubic', tables: 'geometric-cubic' },
  timm: { positions: 'bicubic-antialiased', tables: 'geometric-linear' },
  transformers: { positions: 'bicubic', tables: 'bilinear' },
} as const satisfies Readonly<Record<string, ResizeOptions>>;

const POSITION_OPTIONS: Readonly<Record<PositionFilter, ResizeGridOptions>> = {
  bicubic: { method: 'bicubic' },
  bilinear: { method: 'bilinear' },
  'bicubic-antialiased': { method: 'bicubic', antialias: true },
};

/**
 * Absolute positions for another grid; the cls token keeps its own.
 * Reference: microsoft/unilm beit/run_class_finetuning.py.
 *
 * @param posEmbed `[1, 1 + rows * columns, embedDim]`
 */
export function resizePositionEmbedding(
  posEmbed: HostTensor,
  [rows, columns]: GridSize,
  to: GridSize,
  filter: PositionFilter = 'bicubic',
): HostTensor {
  const [, tokens, embedDim] = posEmbed.shape as [number, number, number];
  if (tokens !== rows * columns + 1) {
    throw new RangeError(
      `Positions of ${tokens} tokens are not those of a grid of ${rows}x${columns} and a cls token.`,
    );
  }
  const data = posEmbed.data as Float32Array;
  const patches = resizeGrid(
    data.subarray(embedDim),
    [rows, columns, embedDim],
    to,
    POSITION_OPTIONS[filter],
  );
  const result = new Float32Array(embedDim + patches.length);
  result.set(data.subarray(0, embedDim));
  result.set(patches, embedDim);
  return { dtype: 'float32', shape: [1, to[0] * to[1] + 1, embedDim], data: result };
}

/**
 * Where the offsets of the old grid lie among those of the new one: near offsets keep their distance, far ones are
 * stretched, in a geometric progression 1 + q + q^2 + ... found by bisection.
 * Reference: microsoft/unilm beit/run_class_finetuning.py, which bounds q to (1.01, 1.5).
 */
export function geometricOffsets(from: number, to: number): number[] {
  const [steps, reach] = [from - 1, to - 1];
  let [low, high] = [1.01, 1.5];
  let q = low;
  while (high - low > 1e-6) {
    q = (low + high) / 2;
    if ((1 - q ** steps) / (1 - q) > reach) high = q;
    else low = q;
  }
  const positive: number[] = [];
  for (let i = 0, at = 1; i < steps; i++, at += q ** i) positive.push(at);
  return [...positive.map((x) => -x).reverse(), 0, ...positive];
}

/** What the offsets along a side of `from` patches contribute to those along a side of `to`. */
function tableWeights(filter: TableFilter, from: number, to: number): Float64Array[] {
  if (filter === 'bilinear') return resizeWeights(2 * from - 1, 2 * to - 1, { method: 'bilinear' });
  const offsets = Array.from({ length: 2 * to - 1 }, (_, i) => i - to + 1);
  const knots = geometricOffsets(from, to);
  if (filter === 'geometric-linear') return linearWeights(knots, offsets);
  if (from < 3)
    throw new RangeError(
      `A grid of ${from} patches along a side has too few offsets for a cubic spline, at least 3 are needed: resize tables with 'geometric-linear'.`,
    );
  return splineWeights(knots, offsets);
}

/**
 * A relative position table for another grid: a tensor product over its two axes, the three rows of the cls token as they
 * are. A side that keeps its number of patches is resized with the other one, as in timm: its geometric offsets are not
 * quite whole numbers.
 *
 * @param table `[relativePositionRows(from), numHeads]`
 * @throws RangeError when the table is not one of `from`, or for 'geometric-cubic' of fewer than three patches along a side
 */
export function resizeRelativePositionTable(
  table: HostTensor,
  from: GridSize,
  to: GridSize,
  filter: TableFilter = 'geometric-cubic',
): HostTensor {
  const [rows, numHeads] = table.shape as [number, number];
  if (rows !== relativePositionRows(from)) {
    throw new RangeError(
      `A table of ${rows} rows is not that of a grid of ${from[0]}x${from[1]}: ${relativePositionRows(from)} expected.`,
    );
  }
  const [down, across] = [tableWeights(filter, from[0], to[0]), tableWeights(filter, from[1], to[1])];
  const [oldColumns, newColumns] = [2 * from[1] - 1, 2 * to[1] - 1];
  const data = table.data as Float32Array;
  const result = new Float32Array(relativePositionRows(to) * numHeads);
  for (let head = 0; head < numHeads; head++) {
    const half = down.map((row) =>
      Float64Array.from({ length: oldColumns }, (_, c) =>
        row.reduce((sum, weight, r) => sum + weight * data[(r * oldColumns + c) * numHeads + head]!, 0),
      ),
    );
    half.forEach((values, i) => {
      across.forEach((column, j) => {
        result[(i * newColumns + j) * numHeads + head] = column.reduce(
          (sum, weight, c) => sum + weight * values[c]!,
          0,
        );
      });
    });
  }
  result.set(data.subarray(data.length - 3 * numHeads), result.length - 3 * numHeads);
  return { dtype: 'float32', shape: [relativePositionRows(to), numHeads], data: result };
}

const SHARED = 'rel_pos_bias.relative_position_bias_table';

/** One table per block in place of the shared one, as copies of it: what fine-tuning begins with. */
export function unshareRelativePositionBias(params: NamedTensors, depth: number): NamedTensors {
  const { [SHARED]: shared, ...rest } = params;
  if (!shared) return params;
  const copies = Array.from({ length: depth }, (_, i) => [
    `blocks.${i}.attn.relative_position_bias_table`,
    { ...shared, data: shared.data.slice() },
  ]);
  return { ...rest, ...Object.fromEntries(copies) };
}

/**
 * Parameters of one configuration for another that differs in resolution, in the number of channels, and perhaps in sharing
 * the relative position bias or not. All else stays as it is.
 *
 * @param options how positions are interpolated, as the official code unless said otherwise; see `RESIZING`
 * @throws RangeError when positions or a table do not belong to `from`, and as `resizeRelativePositionTable` and
 *   `adaptInputChannels`
 */
export function resizeParams(
  params: NamedTensors,
  from: VitConfig,
  to: VitConfig,
  { positions, tables }: ResizeOptions = {},
): NamedTensors {
  const [old, target] = [gridOf(resolveVitConfig(from)), gridOf(resolveVitConfig(to))];
  const unshared =
    to.useRelPosBias && !to.useSharedRelPosBias ? unshareRelativePositionBias(params, to.depth) : params;
  const { inChannels } = resolveVitConfig(to);
  return Object.fromEntries(
    Object.entries(unshared).map(([name, tensor]) => {
      if (name === 'patch_embed.proj.weight') return [name, adaptInputChannels(tensor, inChannels)];
      if (old[0] === target[0] && old[1] === target[1]) return [name, tensor];
      if (name === 'pos_embed') return [name, resizePositionEmbedding(tensor, old, target, positions)];
      if (name.endsWith('relative_position_bias_table'))
        return [name, resizeRelativePositionTable(tensor, old, target, tables)];
      return [name, tensor];
    }),
  );
}
