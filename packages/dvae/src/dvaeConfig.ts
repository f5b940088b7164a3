/** A discrete VAE of DALL-E's architecture, in any size. Names in brackets are those of the released code. */
export interface DvaeConfig {
  /** Visual tokens (`vocab_size`). DALL-E: 8192. */
  readonly vocabSize: number;
  /** Width of the first group; each next one is twice as wide (`n_hid`). DALL-E: 256. Multiple of 4. */
  readonly hiddenDim: number;
  /** Width of the decoder's input (`n_init`). DALL-E: 128. */
  readonly decoderInitDim: number;
  /** Groups of blocks, with a factor of 2 in resolution between them (`group_count`). Default 4, a factor of 8. */
  readonly numGroups?: number;
  /** Default 2 (`n_blk_per_group`). */
  readonly blocksPerGroup?: number;
}
export type ResolvedDvaeConfig = Required<DvaeConfig>;

/** Far above what there is, and small enough to be counted: a token would stand for 32768 pixels along a side. */
const MOST: Partial<Record<keyof DvaeConfig, number>> = { numGroups: 16, blocksPerGroup: 256 };

/** The released tokenizer: 112x112 pixels to 14x14 tokens. */
export const DALL_E: DvaeConfig = {
  vocabSize: 8192,
  hiddenDim: 256,
  decoderInitDim: 128,
  numGroups: 4,
  blocksPerGroup: 2,
};

/** The config with its defaults. @throws RangeError for sizes that can't be built, or an option that does not exist */
export function resolveDvaeConfig(config: DvaeConfig): ResolvedDvaeConfig {
  const { vocabSize, hiddenDim, decoderInitDim, numGroups = 4, blocksPerGroup = 2 } = config;
  const resolved = { vocabSize, hiddenDim, decoderInitDim, numGroups, blocksPerGroup };
  for (const name of Object.keys(config)) {
    if (!Object.hasOwn(resolved, name)) {
      throw new RangeError(`There is no option "${name}"; options: ${Object.keys(resolved).join(', ')}.`);
    }
  }
  for (const [name, value] of Object.entries(resolved)) {
    const most = MOST[name as keyof DvaeConfig];
    if (!Number.isSafeInteger(value) || value < 1 || value > (most ?? value)) {
      const expected = most === undefined ? 'a positive integer' : `an integer from 1 to ${most}`;
      throw new RangeError(`${name} is ${value}; expected ${expected}.`);
    }
  }
  if (resolved.hiddenDim % 4 !== 0) {
    throw new RangeError(
      `hiddenDim is ${resolved.hiddenDim}; expected a multiple of 4, since blocks narrow to a quarter.`,
    );
  }
  if (resolved.vocabSize < 2)
    throw new RangeError(`vocabSize is ${resolved.vocabSize}; expected at least 2.`);
  return resolved;
}

/** Pixels along one side of the square that a token stands for. DALL-E: 8. */
export const downsampling = ({ numGroups }: ResolvedDvaeConfig): number => 2 ** (numGroups - 1);
