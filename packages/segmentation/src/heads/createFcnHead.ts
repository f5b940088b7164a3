import { assertShape } from '@beit/nn';
import type * as tf from '@tensorflow/tfjs';
import { initClassifier, initConvModules } from './headLayers';
import { assertSizes, type SegmentationHead, segmentationHead } from './segmentationHead';

export interface FcnHeadConfig {
  readonly embedDim: number;
  readonly numClasses: number;
  /** Channels of the convolutions. Default 256. */
  readonly channels?: number;
  /** Default 1. */
  readonly numConvs?: number;
  /** What the names of its parameters begin with. Default `auxiliary_head`. */
  readonly name?: string;
}

/**
 * Convolutions and a classifier on the features of one block, at their size: UPerNet's auxiliary head.
 * Reference: mmsegmentation models/decode_heads/fcn_head.py, without `concat_input`, and its names.
 *
 * @throws RangeError when a size is not a positive integer
 */
export function createFcnHead({
  embedDim,
  numClasses,
  channels = 256,
  numConvs = 1,
  name = 'auxiliary_head',
}: FcnHeadConfig): SegmentationHead {
  assertSizes({ embedDim, numClasses, channels, numConvs });
  const convs = Array.from({ length: numConvs }, (_, i) => `${name}.convs.${i}`);
  return segmentationHead(
    (random) => ({
      ...initConvModules(random, convs, embedDim, channels),
      ...initClassifier(random, `${name}.conv_seg`, channels, numClasses),
    }),
    ({ convModule, classify }, [features]) => {
      assertShape(features!, [-1, -1, -1, embedDim], 'The features');
      const last = convs.reduce<tf.Tensor>(convModule, features!);
      return classify(last, `${name}.conv_seg`) as tf.Tensor4D;
    },
  );
}
