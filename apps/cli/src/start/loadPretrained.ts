import { framingOf, type ModelMetadata, normalizationOf, readModelMetadata } from '@beit/schemas';
import { type ImageSize, messageOf, type NamedTensors, shortSize } from '@beit/tensors';
import {
  createVit,
  inferVitConfig,
  type ProblemType,
  type VitConfig,
  vitConfigOfTransformers,
} from '@beit/vit';
import {
  type Checkpoint,
  classNamesOfTimm,
  describeFit,
  type Framing,
  fitEncoder,
  framedSize,
  type JsonObject,
  type Labels,
  loadCheckpoint,
  mmsegmentationLayerNormEpsilon,
  type Normalization,
  type Preprocessing,
} from '@beit/weights';
import { z } from 'zod';
import { localModel } from '../onHub';
import { foldSpaces } from './foldSpaces';

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
  /** What a classifier's logits are of, where it says so. */
  readonly problemType?: ProblemType;
  /** Their names, white space folded, by class index; undefined where one has none. Left out: none has. */
  readonly classes?: readonly (string | undefined)[];
  /** How pictures come to its size, where it says so. */
  readonly framing?: Framing;
  /** config.json of a folder of transformers. */
  readonly transformersConfig?: JsonObject;
  /** The configuration in a file of mmsegmentation. */
  readonly mmsegmentationConfig?: JsonObject;
  /** The colours of the classes in a file of mmsegmentation. */
  readonly palette?: Labels['palette'];
  /** What a segmenter of this project says of itself. */
  readonly segmenter?: ModelMetadata['segmenter'];
  /** What was taken for what, for people. */
  readonly notes: readonly string[];
}

export interface LoadPretrainedOptions {
  /** The number of heads, where the file does not tell it. */
  readonly heads?: number;
}

/** The last layers of classifiers of pictures, and of pixels. */
const CLASSIFIERS = ['head.weight', 'decode_head.conv_seg.weight'];

/**
 * A run of this project or a file of it, a folder of transformers, a `.pth` file of the official code, or timm's; behind
 * `hf:`, a name on the Hub, from where it is brought.
 *
 * @throws when it cannot be read or is no BEiT, with its path
 */
export async function loadPretrained(
  path: string,
  { heads }: LoadPretrainedOptions = {},
): Promise<Pretrained> {
  const checkpoint = await loadCheckpoint(await localModel(path));
  try {
    return assertBeit(describe(checkpoint, path, heads), heads);
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

function describe(
  { tensors, format, config, preprocessing, normalization, labels, metadata }: Checkpoint,
  path: string,
  heads: number | undefined,
): Pretrained {
  const common = { path, tensors, ...(normalization && { normalization }), ...preprocessing, notes: [] };
  if (format === 'beit') return { ...common, ...ownFacts(readModelMetadata(metadata, path)) };
  if (format === 'transformers' && config) {
    const { config: vit, head } = vitConfigOfTransformers(config);
    const { pooling, classNames, problemType } = head;
    return {
      ...common,
      config: vit,
      pooling,
      transformersConfig: config,
      ...(problemType && { problemType }),
      ...(isClassifier(tensors) && classNames && { classes: classNames.map(folded) }),
    };
  }
  const imageSize = format === 'timm' ? wideSizeOf(preprocessing) : wideWindowOf(config ?? {});
  const numHeads = heads ?? (format === 'timm' ? headsOfTimm(config ?? {}) : undefined);
  const vit = inferVitConfig(tensors, { numHeads, imageSize });
  const layerNormEpsilon = config && mmsegmentationLayerNormEpsilon(config);
  const classNames = format === 'timm' && config ? classNamesOfTimm(config) : undefined;
  const told = Object.keys(tensors).some((name) => name.endsWith('relative_position_bias_table'));
  return {
    ...common,
    config: { ...vit, ...(layerNormEpsilon !== undefined && { layerNormEpsilon }) },
    ...(isClassifier(tensors) && classNames && { classes: classNames.map(folded) }),
    ...(format === 'timm' && config && poolingOfTimm(config, tensors)),
    ...labels,
    ...(format !== 'timm' && config && { mmsegmentationConfig: config }),
    notes:
      told || numHeads !== undefined
        ? []
        : [
            `${path} does not tell its number of heads: ${vit.numHeads} are taken, of the released models' width of ${vit.embedDim / vit.numHeads}. Where that is wrong, so are all answers; give --heads N.`,
          ],
  };
}

/** What a model of timm was made with, where that is not the architecture's own. */
function headsOfTimm({ model_args: given }: JsonObject): number | undefined {
  return z.object({ num_heads: z.number().int().positive() }).safeParse(given).data?.num_heads;
}

/** A size that positions do not tell: of images that are no squares. */
function wideSizeOf(preprocessing: Preprocessing | undefined): ImageSize | undefined {
  const size = preprocessing && framedSize(preprocessing.framing);
  return size && size.height !== size.width ? [size.height, size.width] : undefined;
}

/** The same of mmsegmentation's configuration. */
function wideWindowOf({ model }: JsonObject): ImageSize | undefined {
  const side = z.number().int().positive();
  const parts = z.object({ backbone: z.object({ img_size: z.tuple([side, side]).readonly() }) });
  const { data } = parts.safeParse(model);
  return data && shortSize(data.backbone.img_size);
}

/** @throws when timm's model pools as no BEiT does here */
function poolingOfTimm(
  { global_pool: pool }: JsonObject,
  tensors: NamedTensors,
): Pick<Pretrained, 'pooling'> | undefined {
  if (pool === undefined || !isClassifier(tensors)) return undefined;
  const pooling = 'fc_norm.weight' in tensors ? 'mean' : 'cls';
  if (pool !== (pooling === 'mean' ? 'avg' : 'token'))
    throw new Error(
      `its global_pool is ${JSON.stringify(pool)}, but it has the norm of ${pooling === 'mean' ? 'avg' : 'token'}; expected these to fit.`,
    );
  return { pooling };
}

/**
 * What a BEiT computes depends on all of its encoder's tensors, and on no others.
 *
 * @throws Error that names those that are too many, missing or of another shape; when `heads` is another number
 */
function assertBeit(pretrained: Pretrained, heads: number | undefined): Pretrained {
  const { tensors, config } = pretrained;
  if (heads !== undefined && heads !== config.numHeads)
    throw new Error(`--heads is ${heads}, but the file says ${config.numHeads}.`);
  const what = describeFit(fitEncoder(tensors, createVit(config).parameterShapes()));
  if (what !== '') throw new Error(`it is no BEiT as it describes itself.\n${what}`);
  return pretrained;
}

const isClassifier = (tensors: NamedTensors): boolean => CLASSIFIERS.some((name) => name in tensors);

const folded = (name: string | undefined) => (name === undefined ? undefined : foldSpaces(name));

/** What this project's own files say of themselves. */
function ownFacts(metadata: ModelMetadata) {
  const { config, classes, classifier, segmenter } = metadata;
  const normalization = normalizationOf(metadata);
  const framing = framingOf(metadata);
  return {
    config,
    ...(classes && { classes: classes.map(folded) }),
    pooling: classifier?.pooling,
    ...(classifier?.problemType && { problemType: classifier.problemType }),
    segmenter,
    ...(normalization && { normalization }),
    ...(framing && { framing }),
  };
}
