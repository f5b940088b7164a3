import { shortSize } from '@beit/tensors';
import { resolveVitConfig, type VitConfig } from './vitConfig';

/** A classifier's head, as `createClassifier` of `@beit/classification` takes it. */
export interface HeadConfig {
  /** The mean of the patches, or the cls token. */
  readonly pooling: 'mean' | 'cls';
  readonly numClasses: number;
  /** By class index, undefined where one has no name; left out where none has: transformers' `LABEL_0`, ... are no names. */
  readonly classNames?: readonly (string | undefined)[];
  /** What logits are of, where the config says so: one of the classes, each of them, or numbers. */
  readonly problemType?: ProblemType;
}

export type ProblemType = (typeof PROBLEM_TYPES)[number];

const PROBLEM_TYPES = ['single_label_classification', 'multi_label_classification', 'regression'] as const;

export interface TransformersModel {
  readonly config: VitConfig;
  /** What the config says of a head; whether there is one, only the tensors tell (`head.weight`). */
  readonly head: HeadConfig;
}

type Json = Readonly<Record<string, unknown>>;

/** transformers 5.24, models/beit/configuration_beit.py: config.json may leave out what is as here. */
const DEFAULTS = {
  model_type: 'beit',
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  image_size: 224,
  patch_size: 16,
  num_channels: 3,
  use_absolute_position_embeddings: false,
  use_relative_position_bias: false,
  use_shared_relative_position_bias: false,
  layer_scale_init_value: 0.1,
  drop_path_rate: 0.1,
  use_mean_pooling: true,
} as const;

type Field = keyof typeof DEFAULTS;

/**
 * The architecture of a BEiT of Hugging Face transformers.
 *
 * @param json the content of its config.json; fields that are left out have transformers' defaults
 * @throws Error for another model, and for what this ViT does not have: another activation, patches that are no squares
 */
export function vitConfigOfTransformers(json: Json): TransformersModel {
  const field = (name: Field): unknown => json[name] ?? DEFAULTS[name];
  const number = (name: Field): number => {
    const value = field(name);
    if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(name, value, 'a number');
    return value;
  };
  const flag = (name: Field): boolean => {
    const value = field(name);
    if (typeof value !== 'boolean') throw wrong(name, value, 'true or false');
    return value;
  };
  for (const name of ['model_type', 'hidden_act'] as const)
    if (field(name) !== DEFAULTS[name]) throw wrong(name, field(name), JSON.stringify(DEFAULTS[name]));

  const embedDim = number('hidden_size');
  const hidden = number('intermediate_size');
  if (!Number.isSafeInteger(hidden) || hidden < 1)
    throw wrong('intermediate_size', hidden, 'a positive integer');
  const inChannels = number('num_channels');
  const config: VitConfig = {
    imageSize: shortSize(sides('image_size', field('image_size'))),
    patchSize: side('patch_size', field('patch_size')),
    ...(inChannels !== DEFAULTS.num_channels && { inChannels }),
    embedDim,
    depth: number('num_hidden_layers'),
    numHeads: number('num_attention_heads'),
    mlpRatio: hidden / embedDim,
    useAbsPosEmb: flag('use_absolute_position_embeddings'),
    useRelPosBias: flag('use_relative_position_bias'),
    useSharedRelPosBias: flag('use_shared_relative_position_bias'),
    layerScaleInit: number('layer_scale_init_value'),
    qkvBias: true,
    dropPathRate: number('drop_path_rate'),
    layerNormEpsilon: number('layer_norm_eps'),
  };
  resolveVitConfig(config);
  return {
    config,
    head: {
      pooling: flag('use_mean_pooling') ? 'mean' : 'cls',
      ...classesOf(json),
      ...problemOf(json),
    },
  };
}

/**
 * config.json for Hugging Face transformers, the opposite of `vitConfigOfTransformers`; `saveTransformers` of
 * `@beit/weights` writes it.
 *
 * Of images that are no squares transformers 5.24 computes other numbers, if it runs: it takes a table of relative positions for
 * one of as many rows as the grid has columns, and asks absolute positions to be those of a square (BeitRelativePositionBias,
 * BeitEmbeddings.interpolate_pos_encoding).
 *
 * @throws RangeError for what transformers' BEiT does not have: no biases on queries and values
 */
export function transformersConfig(
  vitConfig: VitConfig,
  head: Pick<HeadConfig, 'pooling'> & Partial<HeadConfig> = { pooling: 'mean' },
): Json {
  const config = resolveVitConfig(vitConfig);
  if (!config.qkvBias) throw new RangeError('transformers has no BEiT without biases on queries and values.');
  const given = head.classNames ?? Array.from({ length: head.numClasses ?? 0 }, () => undefined);
  const names = given.map((name, i) => name ?? defaultName(i));
  if (head.numClasses !== undefined && head.numClasses !== names.length)
    throw new RangeError(`There are ${head.numClasses} classes, but ${names.length} names of classes.`);
  return {
    model_type: 'beit',
    hidden_size: config.embedDim,
    num_hidden_layers: config.depth,
    num_attention_heads: config.numHeads,
    intermediate_size: Math.round(config.embedDim * config.mlpRatio),
    hidden_act: 'gelu',
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    layer_norm_eps: config.layerNormEpsilon,
    image_size: shortSize(config.imageSize),
    patch_size: config.patchSize,
    num_channels: config.inChannels,
    use_absolute_position_embeddings: config.useAbsPosEmb,
    use_relative_position_bias: config.useRelPosBias,
    use_shared_relative_position_bias: config.useSharedRelPosBias,
    layer_scale_init_value: config.layerScaleInit,
    drop_path_rate: config.dropPathRate,
    use_mean_pooling: head.pooling === 'mean',
    ...(head.problemType && { problem_type: head.problemType }),
    ...(names.length > 0
      ? {
          id2label: Object.fromEntries(names.map((name, i) => [i, name])),
          // Where names are equal, the first counts.
          label2id: Object.fromEntries(names.map((name, i) => [name, i] as const).reverse()),
        }
      : {}),
  };
}

/** A number, or two: height and width. */
function sides(name: Field, value: unknown): readonly [number, number] {
  const [height, width]: unknown[] = Array.isArray(value) && value.length === 2 ? value : [value, value];
  if (typeof height !== 'number' || typeof width !== 'number') throw wrong(name, value, 'a number, or two');
  return [height, width];
}

function side(name: Field, value: unknown): number {
  const [height, width] = sides(name, value);
  if (height !== width) throw wrong(name, value, 'a number; patches are squares');
  return height;
}

const defaultName = (index: number) => `LABEL_${index}`;

function problemOf({ problem_type: said }: Json): Pick<HeadConfig, 'problemType'> {
  if (said === undefined || said === null) return {};
  const problemType = PROBLEM_TYPES.find((name) => name === said);
  if (!problemType)
    throw new Error(
      `problem_type is ${JSON.stringify(said)} in config.json; expected one of ${PROBLEM_TYPES.join(', ')}.`,
    );
  return { problemType };
}

/** Two classes without names are transformers' default. Numbers may be left out, as two are in models of ImageNet-22k. */
function classesOf({ id2label, num_labels: count }: Json): Pick<HeadConfig, 'numClasses' | 'classNames'> {
  if (id2label === undefined || id2label === null) {
    const numClasses = count ?? 2;
    if (typeof numClasses !== 'number' || !isCount(numClasses))
      throw new Error(`num_labels is ${JSON.stringify(count)} in config.json; expected a number of classes.`);
    return { numClasses };
  }
  const entries = typeof id2label === 'object' && !Array.isArray(id2label) ? Object.entries(id2label) : [];
  const classNames: (string | undefined)[] = [];
  for (const [key, name] of entries) {
    if (!/^\d{1,7}$/.test(key) || !isCount(Number(key)) || typeof name !== 'string')
      throw new Error(
        `id2label in config.json names class ${key} ${JSON.stringify(name)}; expected a text for a number from 0.`,
      );
    classNames[Number(key)] = name;
  }
  const names = Array.from(classNames);
  const isNamed = names.some((name, i) => name !== undefined && name !== defaultName(i));
  return { numClasses: names.length, ...(isNamed && { classNames: names }) };
}

const MAX_CLASSES = 1_000_000;
const isCount = (x: number) => Number.isSafeInteger(x) && x >= 0 && x <= MAX_CLASSES;

function wrong(name: Field, value: unknown, expected: string): Error {
  return new Error(`${name} is ${JSON.stringify(value)} in config.json; expected ${expected}.`);
}
