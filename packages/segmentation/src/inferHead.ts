import { MLA_BLOCKS, type SegmenterHead, UPERNET_BLOCKS, type UperNet } from './heads/placedHeads';

type Shapes = Readonly<Record<string, { readonly shape: readonly number[] }>>;
type Json = Readonly<Record<string, unknown>>;

/**
 * The head of a checkpoint that comes without a description, from the names and shapes of its tensors (mmsegmentation's):
 * UPerNet as released for 12 and for 24 blocks, or one of SETR's. Auxiliary heads are left out: they are for training.
 *
 * @param depth blocks of the backbone
 * @throws Error when there is no such head
 */
export function inferHead(tensors: Shapes, depth: number): SegmenterHead {
  const shapeOf = (name: string) => tensors[`${name}.weight`]?.shape;
  const countOf = (part: string, inner: string) =>
    Object.keys(tensors).filter((name) => name.startsWith(part) && name.endsWith(`${inner}.weight`)).length;
  const [, channels] = shapeOf('decode_head.conv_seg') ?? [];
  if (channels === undefined)
    throw new Error(
      'There is no "decode_head.conv_seg.weight", so the tensors are not those of a segmenter.',
    );
  const [, summed] = shapeOf('neck.mla.feat_extract.0.conv') ?? [];
  const mlaBlocks = MLA_BLOCKS[depth];
  if (summed !== undefined && mlaBlocks)
    return {
      kind: 'setr-mla',
      blocks: mlaBlocks,
      channels: summed,
      headChannels: channels / mlaBlocks.length,
    };
  const kernelSize = shapeOf('decode_head.up_convs.0.0.conv')?.at(-1);
  if (kernelSize === 1) return { kind: 'setr-naive', channels };
  if (kernelSize !== undefined)
    return { kind: 'setr-pup', channels, numConvs: countOf('decode_head.up_convs.', '.0.conv') };
  const scales = countOf('decode_head.psp_modules.', '.1.conv');
  const blocks = UPERNET_BLOCKS[depth];
  if (scales === 4 && blocks) return { kind: 'upernet', blocks, channels };
  throw new Error(
    `The head is neither SETR's nor UPerNet as released: it averages over ${scales} grids, expected 4; there are ${depth} blocks, expected ${Object.keys(UPERNET_BLOCKS).join(' or ')}.`,
  );
}

/**
 * The head of a `BeitForSemanticSegmentation` of transformers.
 *
 * Its `out_indices` count the outputs of the patch embeddings as 1 and of the first block as 2, in transformers 4 and 5
 * (modeling_beit.py, `encoder_hidden_states[i - 1]`, of which the first are the embeddings). So they are read here: these
 * are the blocks that its logits are made of, and that it trains. The official code counts blocks from 0, and the released
 * models were converted without changing the numbers, so that transformers' answers for these are not the official ones.
 *
 * @param config the content of its config.json
 * @throws Error when these are not four blocks
 */
export function uperNetOfTransformers(config: Json): UperNet {
  const { out_indices: indices, pool_scales: poolScales, hidden_size: channels = 768 } = config;
  if (!isWholes(indices) || indices.length !== 4)
    throw new Error(`out_indices is ${JSON.stringify(indices)} in config.json; expected four numbers.`);
  if (indices.some((index) => index < 2))
    throw new Error(
      `out_indices is ${JSON.stringify(indices)} in config.json; expected numbers from 2, the first block: what is before the blocks is no feature here.`,
    );
  return uperNetOn(
    indices.map((index) => index - 2),
    { poolScales, channels, of: 'config.json' },
  );
}

interface UperNetFacts {
  readonly poolScales?: unknown;
  readonly channels: unknown;
  /** Where this stands, for people. */
  readonly of: string;
}

function uperNetOn(
  blocks: readonly number[],
  { poolScales = [1, 2, 3, 6], channels, of }: UperNetFacts,
): UperNet {
  if (!isWholes(poolScales) || poolScales.includes(0))
    throw new Error(`pool_scales is ${JSON.stringify(poolScales)} in ${of}; expected sides of grids.`);
  const [first, second, third, fourth] = blocks as [number, number, number, number];
  return {
    kind: 'upernet',
    blocks: [first, second, third, fourth],
    channels: channels as number,
    poolScales,
  };
}

/**
 * The UPerNet of a model of mmsegmentation.
 *
 * @param config its configuration as data, with `model.backbone.out_indices` and `model.decode_head`
 * @param tensors the checkpoint's
 * @returns undefined when the configuration has no UPerNet, or does not say on which blocks
 * @throws Error for what is not computed here: another number of blocks, another pyramid, corners that are aligned
 */
export function uperNetOfMmsegmentation(config: Json, tensors: Shapes): UperNet | undefined {
  const model = objectAt(config, 'model');
  const head = objectAt(model, 'decode_head');
  const { out_indices: blocks } = objectAt(model, 'backbone');
  const { rescales = RESCALES } = objectAt(model, 'neck');
  if (head.type !== 'UPerHead' || blocks === undefined) return undefined;
  if (JSON.stringify(rescales) !== JSON.stringify(RESCALES))
    throw new Error(`rescales of the neck is ${JSON.stringify(rescales)}; expected ${RESCALES.join(', ')}.`);
  if (head.align_corners === true)
    throw new Error('align_corners of the head is True; expected False, as BEiT has it.');
  const of = 'the configuration of mmsegmentation';
  if (!isWholes(blocks) || blocks.length !== 4)
    throw new Error(
      `out_indices is ${JSON.stringify(blocks)} in ${of}; expected four blocks, counted from 0.`,
    );
  const channels = tensors['decode_head.conv_seg.weight']?.shape[1] ?? 768;
  return uperNetOn(blocks, { poolScales: head.pool_scales, channels, of });
}

/** How much larger than the grid of patches the levels of the pyramid are. */
const RESCALES = [4, 2, 1, 0.5];

const objectAt = (json: Json, key: string): Json => {
  const value = json[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
};

const isWholes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && one >= 0);
