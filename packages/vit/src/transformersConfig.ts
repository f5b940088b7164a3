import { resolveVitConfig, type VitConfig } from './vitConfig';

/** A classifier's head, as `createClassifier` of `@beit/classification` takes it. */
export interface HeadConfig {
  /** The mean of the patches, or the cls token. */
  readonly pooling: 'mean' | 'cls';
  readonly numClasses: number;
  /** By class index. */
  readonly classNames: readonly string[];
}

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
 * @throws Error for another model, and for what this ViT does not have: another activation, images or patches that are
 *   no squares
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
    imageSize: side('image_size', field('image_size')),
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
  const classNames = classNamesOf(json);
  return {
    config,
    head: {
      pooling: flag('use_mean_pooling') ? 'mean' : 'cls',
      numClasses: classNames.length,
      classNames,
    },
  };
}

/**
 * config.json for Hugging Face transformers, the opposite of `vitConfigOfTransformers`; `saveTransformers` of
 * `@beit/weights` writes it.
 *
 * @throws RangeError for what transformers' BEiT does not have: no biases on queries and values
 */
export function transformersConfig(
  vitConfig: VitConfig,
  head: Pick<HeadConfig, 'pooling'> & Partial<HeadConfig> = { pooling: 'mean' },
): Json {
  const config = resolveVitConfig(vitConfig);
  if (!config.qkvBias) throw new RangeError('transformers has no BEiT without biases on queries and values.');
  const names = head.classNames ?? Array.from({ length: head.numClasses ?? 0 }, (_, i) => defaultName(i));
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
    image_size: config.imageSize,
    patch_size: config.patchSize,
    num_channels: config.inChannels,
    use_absolute_position_embeddings: config.useAbsPosEmb,
    use_relative_position_bias: config.useRelPosBias,
    use_shared_relative_position_bias: config.useSharedRelPosBias,
    layer_scale_init_value: config.layerScaleInit,
    drop_path_rate: config.dropPathRate,
    use_mean_pooling: head.pooling === 'mean',
    ...(names.length > 0
      ? {
          id2label: Object.fromEntries(names.map((name, i) => [i, name])),
          // Where names are equal, the first counts.
          label2id: Object.fromEntries(names.map((name, i) => [name, i] as const).reverse()),
        }
      : {}),
  };
}

/** A number, or two equal ones, rows and columns. */
function side(name: Field, value: unknown): number {
  const [rows, columns] = Array.isArray(value) && value.length === 2 ? value : [value, value];
  if (typeof rows !== 'number' || rows !== columns) throw wrong(name, value, 'a number; images are squares');
  return rows;
}

const defaultName = (index: number) => `LABEL_${index}`;

/** Two classes without names are transformers' default. */
function classNamesOf({ id2label, num_labels: count }: Json): string[] {
  if (id2label === undefined || id2label === null) {
    const classes = count ?? 2;
    if (!Number.isSafeInteger(classes) || (classes as number) < 0 || (classes as number) > MAX_CLASSES)
      throw new Error(`num_labels is ${JSON.stringify(count)} in config.json; expected a number of classes.`);
    return Array.from({ length: classes as number }, (_, i) => defaultName(i));
  }
  const entries = typeof id2label === 'object' ? Object.entries(id2label) : [];
  const names = new Map<string, unknown>(entries);
  return Array.from({ length: names.size }, (_, i) => {
    const name = names.get(String(i));
    if (typeof name !== 'string') throw new Error(`id2label in config.json has no name for class ${i}.`);
    return name;
  });
}

const MAX_CLASSES = 1_000_000;

function wrong(name: Field, value: unknown, expected: string): Error {
  return new Error(`${name} is ${JSON.stringify(value)} in config.json; expected ${expected}.`);
}
