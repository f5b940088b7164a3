import { attentionOfImages, type GridSize, type LayerAttention } from '@beit/attention';
import type { EngineOptions, Pretrained } from '@beit/cli';
import { compileForward } from '@beit/compile';
import { INCEPTION_NORMALIZATION, type Normalization } from '@beit/data';
import type { Picture } from '@beit/report';
import type { ImageSize, NamedTensors } from '@beit/tensors';
import { createVit, resizeParams, type Vit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';

export interface AttentionModel {
  /** Pixels of its images: the side of a square, or [height, width]. */
  readonly size: ImageSize;
  readonly gridSize: GridSize;
  readonly depth: number;
  readonly numHeads: number;
  readonly engine: string;
  /** The attention of every block, first block first. */
  attention(image: Picture): Promise<LayerAttention[]>;
  dispose(): Promise<void>;
}

/** The parameters of an encoder; heads and the last norm are not asked for. */
const IS_ENCODER = /^(cls_token$|pos_embed$|patch_embed\.|blocks\.|rel_pos_bias\.)/;

/** Inception's, for one channel. */
const GRAY: Normalization = { mean: [0.5], std: [0.5] };

export interface Encoder {
  readonly vit: Vit;
  readonly params: NamedTensors;
  readonly facts: Pick<AttentionModel, 'size' | 'gridSize' | 'depth' | 'numHeads'>;
}

/** A pre-trained encoder at any resolution: positions are interpolated. */
export function encoderAt({ tensors, config }: Pretrained, size: ImageSize): Encoder {
  const wanted = { ...config, imageSize: size };
  const vit = createVit(wanted);
  const { depth, numHeads } = vit.config;
  const resized = Object.entries(resizeParams(tensors, config, wanted));
  return {
    vit,
    params: Object.fromEntries(resized.filter(([name]) => IS_ENCODER.test(name))),
    facts: { size, gridSize: vit.gridSize, depth, numHeads },
  };
}

/**
 * The attention of a pre-trained encoder, compiled once, at any resolution: positions are interpolated, as for the paper's
 * figure (480 pixels for a model of 224).
 *
 * @param size pixels, multiples of the patch size
 */
export async function openAttention(
  pretrained: Pretrained,
  size: ImageSize,
  engine: EngineOptions,
): Promise<AttentionModel> {
  const { vit, params, facts } = encoderAt(pretrained, size);
  const { normalization = vit.config.inChannels === 1 ? GRAY : INCEPTION_NORMALIZATION } = pretrained;
  const program = await compileForward(
    (params: Record<string, tf.Tensor>, { images }: { images: tf.Tensor }) => {
      const patches = vit.embedPatches(params, images);
      const { attention } = vit.encode(params, patches, { withAttention: true });
      // [depth, 1, numHeads, tokens, tokens]
      return { attention: tf.stack([...attention]) };
    },
    {
      params,
      inputs: { images: { dtype: 'float32', shape: [1, ...vit.config.imageSize, vit.config.inChannels] } },
    },
    engine,
  );
  return {
    ...facts,
    engine: program.engine,
    async attention(image) {
      const { attention } = await program.run({ images: normalizedImage(image, normalization) });
      const [, , ...own] = attention.shape;
      return attentionOfImages({
        shape: [facts.depth, ...own],
        data: Float32Array.from(attention.data as Float32Array),
      });
    },
    dispose: () => program.dispose(),
  };
}

/** A batch of one image, as the model wants its pixels: of a gray one, whose colours are equal, the first, where it takes one. */
export function normalizedImage(
  { width, height, data }: Picture,
  { mean, std }: Normalization = INCEPTION_NORMALIZATION,
) {
  const channels = mean.length;
  return {
    dtype: 'float32',
    shape: [1, height, width, channels],
    data: Float32Array.from({ length: width * height * channels }, (_, i) => {
      const channel = i % channels;
      return (data[3 * Math.floor(i / channels) + channel]! - mean[channel]!) / std[channel]!;
    }),
  } as const;
}
