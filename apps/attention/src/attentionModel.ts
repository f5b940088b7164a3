import type { EngineOptions, Pretrained } from '@beit/apps-shared';
import type { Picture } from '@beit/apps-shared/report';
import { attentionOfImages, type GridSize, type LayerAttention } from '@beit/attention';
import { compile } from '@beit/compile';
import { INCEPTION_NORMALIZATION, type Normalization } from '@beit/data';
import { createVit, resizeParams } from '@beit/vit';
import type { NamedTensors } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';

export interface AttentionModel {
  /** Pixels along a side of its images. */
  readonly size: number;
  readonly gridSize: GridSize;
  readonly depth: number;
  readonly numHeads: number;
  readonly engine: string;
  /** Of every block, first block first. */
  attention(image: Picture): Promise<LayerAttention[]>;
  dispose(): Promise<void>;
}

/** Of an encoder; heads and the last norm are not asked for. */
const IS_ENCODER = /^(cls_token$|pos_embed$|patch_embed\.|blocks\.|rel_pos_bias\.)/;

/**
 * The attention of a pre-trained encoder, compiled once, at any resolution: positions are interpolated, as for the paper's
 * figure (480 pixels for a model of 224).
 *
 * @param size pixels, a multiple of the patch size
 */
export async function openAttention(
  { tensors, config, normalization = INCEPTION_NORMALIZATION }: Pretrained,
  size: number,
  engine: EngineOptions,
): Promise<AttentionModel> {
  const wanted = { ...config, imageSize: size };
  const vit = createVit(wanted);
  const params: NamedTensors = Object.fromEntries(
    Object.entries(resizeParams(tensors, config, wanted)).filter(([name]) => IS_ENCODER.test(name)),
  );
  const program = await compile(
    (state: Record<string, tf.Tensor>, { images }: { images: tf.Tensor }) => {
      const patches = vit.embedPatches(state, images);
      const { attention } = vit.encode(state, patches, { withAttention: true });
      // [depth, 1, numHeads, tokens, tokens]
      return { state, outputs: { attention: tf.stack([...attention]) as tf.Tensor } };
    },
    { state: params, inputs: { images: { dtype: 'float32', shape: [1, size, size, 3] } } },
    engine,
  );
  const { depth, numHeads } = vit.config;
  return {
    size,
    gridSize: vit.gridSize,
    depth,
    numHeads,
    engine: program.engine,
    async attention(image) {
      const images = {
        dtype: 'float32',
        shape: [1, size, size, 3],
        data: normalized(image, normalization),
      } as const;
      const { attention } = await program.run({ images });
      const [, , ...own] = attention.shape;
      return attentionOfImages({
        shape: [depth, ...own],
        data: Float32Array.from(attention.data as Float32Array),
      });
    },
    dispose: () => program.dispose(),
  };
}

const normalized = ({ data }: Picture, { mean, std }: Normalization): Float32Array =>
  data.map((value, i) => (value - mean[i % 3]!) / std[i % 3]!);
