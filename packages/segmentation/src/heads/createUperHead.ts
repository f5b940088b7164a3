import {
  adaptiveAveragePool2d,
  assertShape,
  convTranspose2d,
  fanInUniform,
  gelu,
  maxPool2d,
  resizeBilinear2d,
} from '@beit/nn';
import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { type HeadLayers, initBatchNorm, initClassifier, initConvModule } from './headLayers';
import { assertSizes, type SegmentationHead, segmentationHead } from './segmentationHead';

export interface UperHeadConfig {
  readonly embedDim: number;
  readonly numClasses: number;
  /** Channels of everything behind the features. Default: `embedDim`, as in the released models. */
  readonly channels?: number;
  /** Sides of the grids that the deepest features are averaged to. Default 1, 2, 3, 6. */
  readonly poolScales?: readonly number[];
  /** What the names of its parameters begin with, but for those of the pyramid, `fpn1` and `fpn2`. Default `decode_head`. */
  readonly name?: string;
}

/** Blocks whose features it takes. */
const LEVELS = 4;

/**
 * UPerNet on the features of four blocks: they are brought to 4, 2, 1 and 1/2 times their size; the last is averaged over
 * several grids (PSP), the sum of a level and of those above it is convolved (FPN), and all together are classified, at
 * 4 times the size of the features.
 * Paper: UPerNet, arXiv 1807.10221. Reference: mmsegmentation models/decode_heads/uper_head.py; for the pyramid
 * microsoft/unilm beit/semantic_segmentation/backbone/beit.py @768a3c8; and their names. Without its dropout in training.
 *
 * @throws RangeError when a size is not a positive integer
 */
export function createUperHead({
  embedDim,
  numClasses,
  channels = embedDim,
  poolScales = [1, 2, 3, 6],
  name = 'decode_head',
}: UperHeadConfig): SegmentationHead {
  assertSizes({ embedDim, numClasses, channels });
  poolScales.forEach((poolScale) => {
    assertSizes({ poolScale });
  });
  const lower = Array.from({ length: LEVELS - 1 }, (_, level) => level);

  const init = (random: Random): NamedTensors => {
    const convModule = (part: string, into: number, size: number) =>
      initConvModule(random, `${name}.${part}`, { into, out: channels, size });
    return Object.assign(
      {
        ...initConvTranspose(random, 'fpn1.0', embedDim),
        ...initBatchNorm(embedDim, 'fpn1.1'),
        ...initConvTranspose(random, 'fpn1.3', embedDim),
        ...initConvTranspose(random, 'fpn2.0', embedDim),
      },
      ...poolScales.map((_, i) => convModule(`psp_modules.${i}.1`, embedDim, 1)),
      convModule('bottleneck', embedDim + poolScales.length * channels, 3),
      ...lower.map((level) => convModule(`lateral_convs.${level}`, embedDim, 1)),
      ...lower.map((level) => convModule(`fpn_convs.${level}`, channels, 3)),
      convModule('fpn_bottleneck', LEVELS * channels, 3),
      initClassifier(random, `${name}.conv_seg`, channels, numClasses),
    );
  };

  function pooled({ convModule }: HeadLayers, x: tf.Tensor4D): tf.Tensor {
    const grids = poolScales.map((side, i) =>
      resizeBilinear2d(convModule(adaptiveAveragePool2d(x, side), `${name}.psp_modules.${i}.1`), sizeOf(x)),
    );
    return convModule(tf.concat([x, ...grids], -1), `${name}.bottleneck`);
  }

  function apply(layers: HeadLayers, features: readonly tf.Tensor[]): tf.Tensor4D {
    if (features.length !== LEVELS)
      throw new RangeError(`There are features of ${features.length} blocks; expected ${LEVELS}.`);
    for (const level of features) assertShape(level, [-1, -1, -1, embedDim], 'The features');
    const levels = pyramid(layers, features);
    const { convModule, classify } = layers;
    const sums: tf.Tensor[] = [pooled(layers, levels.at(-1)!)];
    for (const level of lower.toReversed()) {
      const lateral = convModule(levels[level]!, `${name}.lateral_convs.${level}`);
      sums.unshift(tf.add(lateral, resizeBilinear2d(sums[0]!, sizeOf(lateral))));
    }
    const outputs = sums.map((sum, level) =>
      level === LEVELS - 1 ? sum : convModule(sum, `${name}.fpn_convs.${level}`),
    );
    const size = sizeOf(outputs[0]!);
    const together = tf.concat(
      outputs.map((output) => resizeBilinear2d(output, size)),
      -1,
    );
    return classify(convModule(together, `${name}.fpn_bottleneck`), `${name}.conv_seg`) as tf.Tensor4D;
  }
  return segmentationHead(init, apply);
}

/** 4, 2, 1 and 1/2 times the size of the features. */
function pyramid({ param, batchNorm }: HeadLayers, features: readonly tf.Tensor[]): tf.Tensor4D[] {
  const twice = (x: tf.Tensor, name: string) =>
    convTranspose2d(x, param(`${name}.weight`), param(`${name}.bias`));
  const [first, second, third, fourth] = features as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  return [
    twice(gelu(batchNorm(twice(first, 'fpn1.0'), 'fpn1.1')), 'fpn1.3'),
    twice(second, 'fpn2.0'),
    third as tf.Tensor4D,
    maxPool2d(fourth),
  ];
}

const sizeOf = (x: tf.Tensor) => x.shape.slice(1, 3) as [number, number];

/** As PyTorch has them; the weight's fan-in is counted along its second axis. */
const initConvTranspose = (random: Random, name: string, width: number): NamedTensors => ({
  [`${name}.weight`]: fanInUniform(random, [width, width, 2, 2], width * 4),
  [`${name}.bias`]: fanInUniform(random, [width], width * 4),
});
