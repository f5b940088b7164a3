import { type ImageSize, imageSides, shortSize } from '@beit/tensors';
import { relativePositionRows } from './relativePositionBias';
import { type GridSize, resolveVitConfig, type VitConfig } from './vitConfig';

export interface InferOptions {
  /** Where neither a table of relative positions tells, nor the rule that heads are 64 wide. */
  readonly numHeads?: number;
  /** Where there are no positions at all, or those of images that are no squares. Pixels. */
  readonly imageSize?: ImageSize;
}

/** All released BEiT models have heads of this width. */
const HEAD_DIM = 64;

/** Rows of a relative position table for pairs with the cls token; the others are (2 * side - 1)^2. */
const CLS_ROWS = 3;

/** Blocks of the large models, which start with a smaller layer scale. */
const LARGE_DEPTH = 24;

/**
 * The architecture of a checkpoint that comes without one, from the names and shapes of its tensors: official `.pth`
 * files and those of timm. Heads are the columns of a relative position table, else `embedDim / 64` as in all released
 * models. What no shape tells is as released: no drop path, `layerNormEpsilon` 1e-6; `layerScaleInit`, where there is a
 * layer scale, is 0.1, or 1e-5 from 24 blocks on (it matters to new models only).
 *
 * @param tensors official names, as `loadCheckpoint` gives them
 * @throws Error when the tensors are not those of a BEiT, or leave a size open that no option gives
 */
export function inferVitConfig(
  tensors: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  { numHeads, imageSize }: InferOptions = {},
): VitConfig {
  const names = Object.keys(tensors);
  const [embedDim, inChannels, patchSize, patchWidth] = shapeOf('patch_embed.proj.weight', 4) as [
    number,
    number,
    number,
    number,
  ];
  if (patchSize !== patchWidth)
    throw new Error(`Patches of ${patchSize}x${patchWidth} pixels are not BEiT's: expected squares.`);
  const depth = depthOf(names);
  const [hidden] = shapeOf('blocks.0.mlp.fc1.weight', 2);

  const SHARED = 'rel_pos_bias.relative_position_bias_table';
  const OWN = 'blocks.0.attn.relative_position_bias_table';
  const table = SHARED in tensors ? shapeOf(SHARED, 2) : OWN in tensors ? shapeOf(OWN, 2) : undefined;
  const tokens = 'pos_embed' in tensors ? shapeOf('pos_embed', 3)[1]! : undefined;
  const [rows, columns] = gridOfPositions({ tokens, table: table?.[0], patchSize, imageSize });

  const config: VitConfig = {
    imageSize: shortSize([rows * patchSize, columns * patchSize]),
    patchSize,
    ...(inChannels !== 3 && { inChannels }),
    embedDim,
    depth,
    numHeads: headsOf(embedDim, table?.[1], numHeads),
    mlpRatio: hidden! / embedDim,
    useAbsPosEmb: tokens !== undefined,
    useRelPosBias: OWN in tensors,
    useSharedRelPosBias: SHARED in tensors,
    layerScaleInit: 'blocks.0.gamma_1' in tensors ? (depth < LARGE_DEPTH ? 0.1 : 1e-5) : 0,
    qkvBias: 'blocks.0.attn.q_bias' in tensors,
    layerNormEpsilon: 1e-6,
  };
  resolveVitConfig(config);
  return config;

  function shapeOf(name: string, axes: number): readonly number[] {
    const shape = Object.hasOwn(tensors, name) ? tensors[name]!.shape : undefined;
    if (shape === undefined)
      throw new Error(`There is no "${name}", so the tensors are not those of a BEiT under official names.`);
    if (shape.length !== axes) throw new Error(`"${name}" has shape [${shape}]; expected ${axes} axes.`);
    return shape;
  }
}

interface Positions {
  /** How many absolute ones. */
  readonly tokens: number | undefined;
  /** Rows of a table of relative ones. */
  readonly table: number | undefined;
  readonly patchSize: number;
  readonly imageSize: ImageSize | undefined;
}

/** Of equal numbers of positions, those of a square; another grid is only known by the size of its images. */
function gridOfPositions({ tokens, table, patchSize, imageSize }: Positions): GridSize {
  const [height, width] = imageSides(imageSize ?? 0);
  const side = tokens !== undefined ? Math.sqrt(tokens - 1) : (Math.sqrt((table ?? 0) - CLS_ROWS) + 1) / 2;
  const grid =
    imageSize === undefined ? ([side, side] as const) : ([height / patchSize, width / patchSize] as const);
  if (tokens === undefined && table === undefined && imageSize === undefined)
    throw new Error('The tensors have no positions, so they do not tell the size of images: give imageSize.');
  const [rows, columns] = grid;
  const isOfGrid =
    grid.every((count) => Number.isSafeInteger(count) && count >= 1) &&
    (tokens === undefined || tokens === rows * columns + 1) &&
    (table === undefined || table === relativePositionRows(grid));
  if (isOfGrid) return grid;
  const told = [
    ...(tokens === undefined ? [] : [`${tokens} tokens`]),
    ...(table === undefined ? [] : [`${table} rows of a table`]),
    ...(imageSize === undefined ? [] : [`imageSize ${JSON.stringify(imageSize)}`]),
  ];
  throw new Error(
    `Positions (${told.join(', ')}) are not those of ${imageSize === undefined ? 'a square grid of patches and a cls token: of pictures that are no squares imageSize has to be given, and another model is no BEiT' : `patches of ${patchSize} pixels in such images`}.`,
  );
}

function depthOf(names: readonly string[]): number {
  const blocks = new Set(names.flatMap((name) => /^blocks\.(\d+)\./.exec(name)?.[1] ?? []));
  for (let block = 0; block < blocks.size; block++)
    if (!blocks.has(String(block)))
      throw new Error(`There are ${blocks.size} blocks, but no block ${block}.`);
  return blocks.size;
}

function headsOf(embedDim: number, columns: number | undefined, wanted: number | undefined): number {
  if (wanted !== undefined && columns !== undefined && wanted !== columns)
    throw new Error(`numHeads is ${wanted}, but the relative position table has ${columns} columns.`);
  const heads = columns ?? wanted ?? embedDim / HEAD_DIM;
  if (!Number.isSafeInteger(heads))
    throw new Error(`embedDim ${embedDim} is no multiple of ${HEAD_DIM}: give numHeads.`);
  return heads;
}
