import { type ImageSize, imageSides, MOST_PIXELS } from '@beit/tensors';

/** A BEiT vision transformer. Every option of the released models; names as timm's, camel-cased. */
export interface VitConfig {
  /** Pixels of the images: the side of a square, or [height, width]. */
  readonly imageSize: ImageSize;
  /** Side of a patch, pixels; divides the sides of images. */
  readonly patchSize: number;
  /** Of the images. Default 3: red, green, blue. */
  readonly inChannels?: number;
  readonly embedDim: number;
  /** Blocks. */
  readonly depth: number;
  /** Divides `embedDim`. */
  readonly numHeads: number;
  /** Width of the MLP's hidden layer, in `embedDim`s. Default 4. */
  readonly mlpRatio?: number;
  /** Learnable absolute positions. The paper's main models: true; the released ones: false. Default true. */
  readonly useAbsPosEmb?: boolean;
  /** A relative position bias in each block, as when fine-tuning the released models. Default false. */
  readonly useRelPosBias?: boolean;
  /** One relative position bias for all blocks, as when pre-training the released models. Default false. */
  readonly useSharedRelPosBias?: boolean;
  /** Initial value of the factors on the residual branches (layer scale), 0 for none. Released: 0.1 base, 1e-5 large. Default 0. */
  readonly layerScaleInit?: number;
  /** Biases on queries and values; never on keys, where one cancels in the softmax. Default true. */
  readonly qkvBias?: boolean;
  /** Largest rate of dropped residual branches, rising linearly with depth. Default 0. */
  readonly dropPathRate?: number;
  /** Default 1e-6. */
  readonly layerNormEpsilon?: number;
}

export interface ResolvedVitConfig extends Required<VitConfig> {
  readonly imageSize: readonly [height: number, width: number];
}

/** Far above what there is (48 blocks: ViT-22B), and small enough to be counted. Widths show in the count of the parameters. */
const MOST_BLOCKS = 1024;

/** Patches of an image, [rows, columns]: whole numbers where `patchSize` divides its sides, see `resolveVitConfig`. */
export function gridOf({ imageSize, patchSize }: Pick<VitConfig, 'imageSize' | 'patchSize'>): GridSize {
  const [height, width] = imageSides(imageSize);
  return [height / patchSize, width / patchSize];
}

export type GridSize = readonly [rows: number, columns: number];

/** The config with its defaults. @throws RangeError for sizes that do not fit together, and more blocks or pixels than any model has */
export function resolveVitConfig(config: VitConfig): ResolvedVitConfig {
  const resolved: ResolvedVitConfig = {
    inChannels: 3,
    mlpRatio: 4,
    useAbsPosEmb: true,
    useRelPosBias: false,
    useSharedRelPosBias: false,
    layerScaleInit: 0,
    qkvBias: true,
    dropPathRate: 0,
    layerNormEpsilon: 1e-6,
    ...config,
    imageSize: imageSides(config.imageSize),
  };
  const { patchSize, inChannels, embedDim, depth, numHeads, mlpRatio, dropPathRate } = resolved;
  const [height, width] = resolved.imageSize;
  for (const [name, value] of Object.entries({
    ...(typeof config.imageSize === 'number'
      ? { imageSize: height }
      : { 'imageSize[0]': height, 'imageSize[1]': width }),
    patchSize,
    inChannels,
    embedDim,
    depth,
    numHeads,
  })) {
    const most = name === 'depth' ? MOST_BLOCKS : name.startsWith('imageSize') ? MOST_PIXELS : undefined;
    if (!Number.isSafeInteger(value) || value < 1 || value > (most ?? value)) {
      const expected = most === undefined ? 'a positive integer' : `an integer from 1 to ${most}`;
      throw new RangeError(`${name} is ${value}; expected ${expected}.`);
    }
  }
  if (height % patchSize !== 0 || width % patchSize !== 0) {
    throw new RangeError(
      `imageSize (${JSON.stringify(config.imageSize)}) must be a multiple of patchSize (${patchSize}).`,
    );
  }
  if (embedDim % numHeads !== 0) {
    throw new RangeError(`embedDim (${embedDim}) must be a multiple of numHeads (${numHeads}).`);
  }
  if (!(mlpRatio > 0 && mlpRatio < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`mlpRatio is ${mlpRatio}; expected a number above 0.`);
  }
  if (!(dropPathRate >= 0 && dropPathRate < 1)) {
    throw new RangeError(`dropPathRate is ${dropPathRate}; expected a number in [0, 1).`);
  }
  return resolved;
}
