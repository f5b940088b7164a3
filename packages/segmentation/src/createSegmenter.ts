import type { Backbone, TensorParams } from '@beit/nn';
import { upsampleBilinear2d } from '@beit/nn';
import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { type PlacedHead, placedHeads, type SegmenterHead } from './heads/placedHeads';
import { type PixelCrossEntropyOptions, pixelAccuracy, pixelCrossEntropy } from './pixelCrossEntropy';

export interface SegmenterConfig {
  readonly backbone: Backbone<'hidden'>;
  readonly numClasses: number;
  /** Default: SETR-PUP. */
  readonly head?: SegmenterHead;
}

export interface SegmenterLossOptions extends PixelCrossEntropyOptions {
  /** `[depth, 2, batch]`; see `drawDropPathKeeps` of `@beit/vit`. */
  readonly dropPathKeeps?: tf.Tensor;
}

/** Scalars, and the next running statistics under their names, which `trainStep` of `@beit/optim` takes over. */
export type SegmenterOutputs = {
  /** The sum of the losses of the main head and, with their weights, of the auxiliary heads; nats. */
  loss: tf.Tensor;
  /** The loss of the main head alone. */
  decodeLoss: tf.Tensor;
  /** Share of the labelled pixels that the main head gets right. */
  pixelAccuracy: tf.Tensor;
} & Record<string, tf.Tensor>;

export interface Segmenter {
  readonly backbone: Backbone<'hidden'>;
  readonly numClasses: number;
  /** Parameters of the backbone and of the heads, `decode_head.*`, `auxiliary_head.*`, ...: mmsegmentation's names. */
  init(random: Random): NamedTensors;
  /** Parameters of the heads alone. */
  initHeads(random: Random): NamedTensors;
  /** `[batch, height, width, numClasses]` of normalized images `[batch, height, width, 3]`, with running statistics. */
  logits(params: TensorParams, images: tf.Tensor): tf.Tensor4D;
  /** The same before they are brought to the size of the images, for who wants another: `[batch, rows, columns, numClasses]`. */
  gridLogits(params: TensorParams, images: tf.Tensor): tf.Tensor4D;
  /**
   * The objective. `labels` is `[batch, height, width]` int32, with 255 for pixels that are ignored.
   *
   * @throws RangeError when a head's block does not exist, or the labels are not the same whole multiple of the logits both ways
   */
  loss(
    params: TensorParams,
    images: tf.Tensor,
    labels: tf.Tensor,
    options?: SegmenterLossOptions,
  ): SegmenterOutputs;
}

/**
 * A BEiT that names the class of every pixel, with the task layer of the paper, SETR-PUP, another of SETR's, or that of
 * the released models, UPerNet. Paper: BEiT, sections 2.6 and 3.2; SETR, arXiv 2012.15840. Reference: mmsegmentation.
 *
 * @throws RangeError when there are fewer than two classes, or a size of a head is not a positive integer
 */
export function createSegmenter({
  backbone,
  numClasses,
  head = { kind: 'setr-pup' },
}: SegmenterConfig): Segmenter {
  if (!Number.isSafeInteger(numClasses) || numClasses < 2) {
    throw new RangeError(`numClasses is ${numClasses}; expected an integer of at least 2.`);
  }
  const { embedDim, gridSize } = backbone;
  const [main, ...auxiliary] = placedHeads(head, { embedDim, numClasses });

  /** Patches as a grid. */
  function featuresOf(hidden: readonly tf.Tensor[], block: number): tf.Tensor4D {
    const tokens = hidden.slice(1).at(block);
    if (!tokens) throw new RangeError(`There is no block ${block}; the last is ${hidden.length - 2}.`);
    const [batch, count] = tokens.shape as [number, number];
    const patches = tf.slice(tokens, [0, 1, 0], [batch, count - 1, embedDim]);
    return tf.reshape(patches, [batch, ...gridSize, embedDim]);
  }

  function encode(params: TensorParams, images: tf.Tensor, dropPathKeeps?: tf.Tensor) {
    const embedded = backbone.embedPatches(params, images);
    return backbone.encode(params, embedded, dropPathKeeps && { dropPathKeeps }).hidden;
  }

  function loss(
    params: TensorParams,
    images: tf.Tensor,
    labels: tf.Tensor,
    { dropPathKeeps, ...average }: SegmenterLossOptions = {},
  ): SegmenterOutputs {
    const hidden = encode(params, images, dropPathKeeps);
    const statistics: Record<string, tf.Tensor> = {};
    const logitsOf = ({ head, blocks }: PlacedHead) => {
      const features = blocks.map((block) => featuresOf(hidden, block));
      const result = head.trainingLogits(params, features);
      Object.assign(statistics, result.statistics);
      return atSizeOf(labels, result.logits);
    };
    const logits = logitsOf(main);
    const decodeLoss = pixelCrossEntropy(logits, labels, average);
    const total = auxiliary.reduce<tf.Tensor>(
      (sum, own) => tf.add(sum, tf.mul(pixelCrossEntropy(logitsOf(own), labels, average), own.weight)),
      decodeLoss,
    );
    return { ...statistics, loss: total, decodeLoss, pixelAccuracy: pixelAccuracy(logits, labels) };
  }

  function gridLogits(params: TensorParams, images: tf.Tensor): tf.Tensor4D {
    const hidden = encode(params, images);
    return main.head.logits(
      params,
      main.blocks.map((block) => featuresOf(hidden, block)),
    );
  }

  const initHeads = (random: Random): NamedTensors =>
    Object.assign({}, ...[main, ...auxiliary].map(({ head }) => head.init(random)));

  return {
    backbone,
    numClasses,
    init: (random) => ({ ...backbone.init(random), ...initHeads(random) }),
    initHeads,
    gridLogits,
    logits(params, images) {
      const logits = gridLogits(params, images);
      return upsampleBilinear2d(logits, wholeFactor(images, logits));
    },
    loss,
  };
}

/** Logits for every label. */
function atSizeOf(labels: tf.Tensor, logits: tf.Tensor4D): tf.Tensor4D {
  return upsampleBilinear2d(logits, wholeFactor(labels, logits));
}

/** How many pixels a logit is for, along each side. Both are `[batch, rows, columns, ...]`. */
function wholeFactor(pixels: tf.Tensor, logits: tf.Tensor4D): number {
  const [[, height, width], [, rows, columns]] = [pixels.shape as [number, number, number], logits.shape];
  const factor = height / rows;
  if (!Number.isSafeInteger(factor) || width !== columns * factor) {
    throw new RangeError(
      `The logits are ${rows}x${columns}, rows by columns, and the pixels ${height}x${width}; expected the same multiple both ways.`,
    );
  }
  return factor;
}
