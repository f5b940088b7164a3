import { attentionOfImages, type GridSize, type LayerAttention } from '@beit/attention';
import type { EngineOptions, Pretrained } from '@beit/cli';
import { compileForward } from '@beit/compile';
import { INCEPTION_NORMALIZATION, type Normalization } from '@beit/data';
import type { Picture } from '@beit/report';
import type { NamedTensors } from '@beit/tensors';
import { createVit, resizeParams, type Vit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';

export interface AttentionModel {
  /** Pixels along a side of its images. */
  readonly size: number;
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

export interface Encoder {
  readonly vit: Vit;
  readonly params: NamedTensors;
  readonly facts: Pick<AttentionModel, 'size' | 'gridSize' | 'depth' | 'numHeads'>;
}

/** A pre-trained encoder at any resolution: positions are interpolated. */
export function encoderAt({ tensors, config }: Pretrained, size: number): Encoder {
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
 * @param size pixels, a multiple of the patch size
 */
export async function openAttention(
  pretrained: Pretrained,
  size: number,
  engine: EngineOptions,
): Promise<AttentionModel> {
  const { vit, params, facts } = encoderAt(pretrained, size);
  const program = await compileForward(
    (params: Record<string, tf.Tensor>, { images }: { images: tf.Tensor }) => {
      const patches = vit.embedPatches(params, images);
      const { attention } = vit.encode(params, patches, { withAttention: true });
      // [depth, 1, numHeads, tokens, tokens]
      return { attention: tf.stack([...attention]) };
    },
    { params, inputs: { images: { dtype: 'float32', shape: [1, size, size, 3] } } },
    engine,
  );
  return {
    ...facts,
    engine: program.engine,
    async attention(image) {
      const { attention } = await program.run({ images: normalizedImage(image, pretrained.normalization) });
      const [, , ...own] = attention.shape;
      return attentionOfImages({
        shape: [facts.depth, ...own],
        data: Float32Array.from(attention.data as Float32Array),
      });
    },
    dispose: () => program.dispose(),
  };
}

/** A batch of one image, as the model wants its pixels. */
export function normalizedImage(
  { width, height, data }: Picture,
  { mean, std }: Normalization = INCEPTION_NORMALIZATION,
) {
  return {
    dtype: 'float32',
    shape: [1, height, width, 3],
    data: data.map((value, i) => (value - mean[i % 3]!) / std[i % 3]!),
  } as const;
}
