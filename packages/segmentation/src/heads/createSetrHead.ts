import { assertShape, constant, LAYER_NORM_EPSILON, layerNorm, upsampleBilinear2d } from '@beit/nn';
import type * as tf from '@tensorflow/tfjs';
import { initClassifier, initConvModules } from './headLayers';
import { assertSizes, type SegmentationHead, segmentationHead } from './segmentationHead';

export interface SetrHeadConfig {
  readonly embedDim: number;
  readonly numClasses: number;
  /** Channels of the convolutions. Default 256. */
  readonly channels?: number;
  /** Convolutions, each followed by an upsampling. Default 4. */
  readonly numConvs?: number;
  /** Factor of one upsampling. Default 2. */
  readonly upScale?: number;
  /** Side of the convolutions' kernels, pixels. Default 3. */
  readonly kernelSize?: 1 | 3;
  /** What the names of its parameters begin with. Default `decode_head`. */
  readonly name?: string;
}

/**
 * The progressive upsampling of SETR (PUP), on the features of one block: layer norm, then convolution, batch norm, ReLU
 * and bilinear upsampling, several times, and a classifier of pixels. With two convolutions and an `upScale` of 4 it is
 * SETR's auxiliary head, with one of a single pixel its naive one.
 * Paper: SETR, arXiv 2012.15840, section 3.2. Reference: mmsegmentation models/decode_heads/setr_up_head.py, and its names.
 *
 * The classifier comes before the last upsampling, as in SETR's own code: both are linear, and the bilinear weights of a
 * pixel sum to 1, so the order does not matter to the logits; this one takes a quarter of the time and memory.
 *
 * @returns a head whose logits are `upScale ** numConvs` times as large as its features
 * @throws RangeError when a size is not a positive integer
 */
export function createSetrHead({
  embedDim,
  numClasses,
  channels = 256,
  numConvs = 4,
  upScale = 2,
  kernelSize = 3,
  name = 'decode_head',
}: SetrHeadConfig): SegmentationHead {
  assertSizes({ embedDim, numClasses, channels, numConvs, upScale });
  const convs = Array.from({ length: numConvs }, (_, i) => `${name}.up_convs.${i}.0`);
  return segmentationHead(
    (random) => ({
      [`${name}.norm.weight`]: constant([embedDim], 1),
      [`${name}.norm.bias`]: constant([embedDim], 0),
      ...initConvModules(random, convs, embedDim, channels, kernelSize),
      ...initClassifier(random, `${name}.conv_seg`, channels, numClasses),
    }),
    ({ param, convModule, classify }, [features]) => {
      assertShape(features!, [-1, -1, -1, embedDim], 'The features');
      const first = layerNorm(
        features!,
        param(`${name}.norm.weight`),
        param(`${name}.norm.bias`),
        LAYER_NORM_EPSILON,
      );
      const last = convs.reduce<tf.Tensor>(
        (x, conv, i) => convModule(i === 0 ? x : upsampleBilinear2d(x, upScale), conv),
        first,
      );
      return upsampleBilinear2d(classify(last, `${name}.conv_seg`), upScale);
    },
  );
}
