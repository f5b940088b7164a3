import { type ModelMetadata, normalizationOf, readModelMetadata } from '@beit/schemas';
import type { NamedTensors } from '@beit/tensors';
import { inferVitConfig, type VitConfig, vitConfigOfTransformers } from '@beit/vit';
import { type JsonObject, type Labels, loadCheckpoint, type Normalization } from '@beit/weights';
import { z } from 'zod';
import { localModel } from '../onHub';

/** A checkpoint, whoever wrote it. */
export interface Pretrained {
  /** For people. */
  readonly path: string;
  /** Official names. */
  readonly tensors: NamedTensors;
  readonly config: VitConfig;
  /** What it was trained with, where it says so. */
  readonly normalization?: Normalization;
  /** A classifier's pooling. */
  readonly pooling?: 'mean' | 'cls';
  readonly classes?: readonly string[];
  readonly cropShare?: number;
  /** config.json of a folder of transformers. */
  readonly transformersConfig?: JsonObject;
  /** The configuration in a file of mmsegmentation. */
  readonly mmsegmentationConfig?: JsonObject;
  /** The colours of the classes in a file of mmsegmentation. */
  readonly palette?: Labels['palette'];
  /** What a segmenter of this project says of itself. */
  readonly segmenter?: ModelMetadata['segmenter'];
}

/** The last layers of classifiers of pictures, and of pixels. */
const CLASSIFIERS = ['head.weight', 'decode_head.conv_seg.weight'];

/**
 * A run of this project or a file of it, a folder of transformers, a `.pth` file of the official code, or timm's; behind
 * `hf:`, a name on the Hub, from where it is brought.
 *
 * @throws when it cannot be read or is no BEiT, with its path
 */
export async function loadPretrained(path: string): Promise<Pretrained> {
  const checkpoint = await loadCheckpoint(await localModel(path));
  const { tensors, format, config, normalization, shorterSide, labels, metadata } = checkpoint;
  const common = { path, tensors, ...(normalization && { normalization }) };
  if (format === 'beit') return { ...common, ...ownFacts(readModelMetadata(metadata, path)) };
  if (format === 'transformers' && config) {
    const { config: vit, head } = vitConfigOfTransformers(config);
    const { pooling, classNames } = head;
    return {
      ...common,
      config: vit,
      pooling,
      transformersConfig: config,
      ...(CLASSIFIERS.some((name) => name in tensors) && { classes: classNames }),
      ...(shorterSide !== undefined && { cropShare: Math.min(1, vit.imageSize / shorterSide) }),
    };
  }
  return {
    ...common,
    config: { ...inferVitConfig(tensors), ...layerNormOf(config ?? {}) },
    ...labels,
    ...(format !== 'timm' && config && { mmsegmentationConfig: config }),
  };
}

/** mmsegmentation's layer norms add 1e-5 unless its configuration says otherwise (mmcv, cnn/bricks/norm.py). */
function layerNormOf({ model }: JsonObject): Partial<VitConfig> {
  const parts = z.object({ backbone: z.object({ norm_cfg: z.object({ eps: z.number().default(1e-5) }) }) });
  const { data } = parts.safeParse(model);
  return data ? { layerNormEpsilon: data.backbone.norm_cfg.eps } : {};
}

/** What this project's own files say of themselves. */
function ownFacts(metadata: ModelMetadata) {
  const { config, classes, classifier, segmenter } = metadata;
  const { pooling, views } = classifier ?? {};
  const normalization = normalizationOf(metadata);
  return {
    config,
    classes,
    pooling,
    cropShare: views?.cropShare,
    segmenter,
    ...(normalization && { normalization }),
  };
}
