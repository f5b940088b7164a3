import { assertShape, constant, LAYER_NORM_EPSILON, layerNorm, upsampleBilinear2d } from '@beit/nn';
import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { initClassifier, initConvModule, initConvModules } from './headLayers';
import { assertSizes, type SegmentationHead, segmentationHead } from './segmentationHead';

export interface MlaHeadConfig {
  readonly embedDim: number;
  readonly numClasses: number;
  /** Channels in which features are summed up. Default 256. */
  readonly channels?: number;
  /** Channels of the convolutions behind each sum. Default 128. */
  readonly headChannels?: number;
}

/** Blocks whose features it takes. */
const LEVELS = [0, 1, 2, 3] as const;
const UP_SCALE = 4;
const [NECK, HEAD] = ['neck', 'decode_head'];

/**
 * The multi-level feature aggregation of SETR (MLA), on the features of four blocks: layer norm and a convolution of one
 * pixel each, sums from the last block down to the first, convolutions of each sum, and all together are classified, at 4
 * times the size of the features.
 * Paper: SETR, arXiv 2012.15840, section 3.2. Reference: mmsegmentation models/necks/mla_neck.py and
 * models/decode_heads/setr_mla_head.py, and their names.
 *
 * The classifier comes before the upsampling; see `createSetrHead`.
 *
 * @throws RangeError when a size is not a positive integer, or there are not four features
 */
export function createMlaHead({
  embedDim,
  numClasses,
  channels = 256,
  headChannels = 128,
}: MlaHeadConfig): SegmentationHead {
  assertSizes({ embedDim, numClasses, channels, headChannels });
  const norm = (level: number) => `${NECK}.norm.${level}`;
  const projection = (level: number) => `${NECK}.mla.channel_proj.${level}`;
  // The reference counts these, and what is behind them, from the last block.
  const extraction = (i: number) => `${NECK}.mla.feat_extract.${i}`;
  const convs = (i: number) => [0, 1].map((conv) => `${HEAD}.up_convs.${i}.${conv}`);

  const init = (random: Random): NamedTensors =>
    Object.assign(
      {},
      ...LEVELS.map((level) => ({
        [`${norm(level)}.weight`]: constant([embedDim], 1),
        [`${norm(level)}.bias`]: constant([embedDim], 0),
        ...initConvModule(random, projection(level), { into: embedDim, out: channels, size: 1 }),
        ...initConvModule(random, extraction(level), { into: channels, out: channels, size: 3 }),
        ...initConvModules(random, convs(level), channels, headChannels),
      })),
      initClassifier(random, `${HEAD}.conv_seg`, LEVELS.length * headChannels, numClasses),
    );

  return segmentationHead(init, ({ param, convModule, classify }, features) => {
    if (features.length !== LEVELS.length)
      throw new RangeError(`There are features of ${features.length} blocks; expected ${LEVELS.length}.`);
    const projected = features.map((level, i) => {
      assertShape(level, [-1, -1, -1, embedDim], 'The features');
      const [weight, bias] = [param(`${norm(i)}.weight`), param(`${norm(i)}.bias`)];
      return convModule(layerNorm(level, weight, bias, LAYER_NORM_EPSILON), projection(i));
    });
    const sums: tf.Tensor[] = [];
    for (const level of projected.toReversed())
      sums.push(sums.length > 0 ? tf.add(sums.at(-1)!, level) : level);
    const outputs = sums.map((sum, i) => convs(i).reduce(convModule, convModule(sum, extraction(i))));
    return upsampleBilinear2d(classify(tf.concat(outputs, -1), `${HEAD}.conv_seg`), UP_SCALE);
  });
}
