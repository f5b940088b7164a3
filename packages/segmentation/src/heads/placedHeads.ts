/** Which heads a segmenter has, and which blocks each looks at. */
import { createFcnHead } from './createFcnHead';
import { createMlaHead } from './createMlaHead';
import { createSetrHead } from './createSetrHead';
import { createUperHead } from './createUperHead';
import type { SegmentationHead } from './segmentationHead';

/** A head for training alone, on a block that may be an earlier one. */
export interface AuxiliaryHead {
  /** 0-based. */
  readonly block: number;
  /** Default: 2, as SETR's for ADE20K; 1 with UPerNet and the naive head. */
  readonly numConvs?: number;
  /** Factor of the upsampling behind each convolution. Default 4. UPerNet's has none. */
  readonly upScale?: number;
  /** Weight of its loss. Default 0.4. */
  readonly weight?: number;
}

/** SETR's own choice for 12 blocks (DeiT-B): the last is also that of the main head. */
export const SETR_AUXILIARY_HEADS: readonly AuxiliaryHead[] = [4, 7, 9, 11].map((block) => ({ block }));

/** SETR-PUP on the last block: the task layer of the paper. */
export interface SetrPup {
  readonly kind: 'setr-pup';
  /** Channels of all convolutions. Default 256. */
  readonly channels?: number;
  /** Convolutions, each followed by an upsampling by 2. Default 4: from patches of 16 pixels to pixels. */
  readonly numConvs?: number;
  /** Default: none. The paper does not say whether it had any; see `SETR_AUXILIARY_HEADS`. */
  readonly auxiliary?: readonly AuxiliaryHead[];
}

/** SETR's naive head, on the last block: a convolution of one pixel, and one upsampling by 4. */
export interface SetrNaive {
  readonly kind: 'setr-naive';
  /** Channels of all convolutions. Default 256. */
  readonly channels?: number;
  /** Naive too. Default: none. */
  readonly auxiliary?: readonly AuxiliaryHead[];
}

/** SETR's multi-level feature aggregation, on four blocks. Without its auxiliary heads, which share its sums. */
export interface SetrMla {
  readonly kind: 'setr-mla';
  /** 0-based, lowest first; see `MLA_BLOCKS`. */
  readonly blocks: readonly [number, number, number, number];
  /** Channels in which features are summed up. Default 256. */
  readonly channels?: number;
  /** Channels of the convolutions behind each sum. Default 128. */
  readonly headChannels?: number;
}

/** UPerNet on four blocks: what the released models for ADE20K have. */
export interface UperNet {
  readonly kind: 'upernet';
  /** 0-based, lowest first; see `UPERNET_BLOCKS`. */
  readonly blocks: readonly [number, number, number, number];
  /** Default: the backbone's width, as released. */
  readonly channels?: number;
  /** Sides of the grids that the deepest features are averaged to. Default 1, 2, 3, 6. */
  readonly poolScales?: readonly number[];
  /** At most one, of 256 channels. Default: none. The released models have one on the third of their blocks. */
  readonly auxiliary?: readonly AuxiliaryHead[];
}

/** What a segmenter's heads are: the main one, and those for training alone. */
export type SegmenterHead = SetrPup | SetrNaive | SetrMla | UperNet;

/** SETR's own choice of blocks, by the number of blocks there are. */
export const MLA_BLOCKS: Readonly<Record<number, SetrMla['blocks']>> = {
  12: [2, 5, 8, 11],
  24: [5, 11, 17, 23],
};

/** The blocks of the released models, by the number of blocks they have. */
export const UPERNET_BLOCKS: Readonly<Record<number, UperNet['blocks']>> = {
  12: [3, 5, 7, 11],
  24: [7, 11, 15, 23],
};

export interface PlacedHead {
  readonly head: SegmentationHead;
  /** 0-based; -1 is the last. */
  readonly blocks: readonly number[];
  /** Weight of its loss. */
  readonly weight: number;
}

interface Sizes {
  readonly embedDim: number;
  readonly numClasses: number;
}

const AUXILIARY_WEIGHT = 0.4;

type Placed = [PlacedHead, ...PlacedHead[]];

/** The main head, then the auxiliary ones. @throws RangeError when a size is not a positive integer */
export function placedHeads(head: SegmenterHead, sizes: Sizes): Placed {
  switch (head.kind) {
    case 'setr-pup':
      return setrPup(head, sizes);
    case 'setr-naive':
      return setrNaive(head, sizes);
    case 'setr-mla':
      return setrMla(head, sizes);
    case 'upernet':
      return uperNet(head, sizes);
  }
}

function setrPup({ numConvs, ...head }: SetrPup, sizes: Sizes): Placed {
  return setr(head, sizes, { numConvs }, { numConvs: 2, upScale: 4 });
}

function setrNaive(head: SetrNaive, sizes: Sizes): Placed {
  const naive = { numConvs: 1, upScale: 4, kernelSize: 1 } as const;
  return setr(head, sizes, naive, naive);
}

type SetrShape = Pick<Parameters<typeof createSetrHead>[0], 'numConvs' | 'upScale' | 'kernelSize'>;

/** The main head on the last block, and auxiliary ones of its kind on others. */
function setr(
  { channels, auxiliary = [] }: Pick<SetrPup, 'channels' | 'auxiliary'>,
  sizes: Sizes,
  main: SetrShape,
  other: SetrShape,
): Placed {
  return [
    { head: createSetrHead({ ...sizes, channels, ...main }), blocks: [-1], weight: 1 },
    ...auxiliary.map(
      ({ block, weight = AUXILIARY_WEIGHT, numConvs = other.numConvs, upScale = other.upScale }, i) => ({
        head: createSetrHead({
          ...sizes,
          channels,
          ...other,
          numConvs,
          upScale,
          name: `auxiliary_head.${i}`,
        }),
        blocks: [block],
        weight,
      }),
    ),
  ];
}

function setrMla({ blocks, channels, headChannels }: SetrMla, sizes: Sizes): Placed {
  return [{ head: createMlaHead({ ...sizes, channels, headChannels }), blocks, weight: 1 }];
}

function uperNet({ blocks, channels, poolScales, auxiliary = [] }: UperNet, sizes: Sizes): Placed {
  if (auxiliary.length > 1)
    throw new RangeError(`UPerNet has ${auxiliary.length} auxiliary heads; expected at most one.`);
  return [
    { head: createUperHead({ ...sizes, channels, poolScales }), blocks, weight: 1 },
    ...auxiliary.map(({ block, numConvs, weight = AUXILIARY_WEIGHT }) => ({
      head: createFcnHead({ ...sizes, numConvs }),
      blocks: [block],
      weight,
    })),
  ];
}
