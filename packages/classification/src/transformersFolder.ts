import type { Pooling } from './createClassifier';

/** What transformers wants to know of an encoder; the `config` of `createVit` has all of it. */
export interface EncoderConfig {
  readonly imageSize: number;
  readonly patchSize: number;
  readonly embedDim: number;
  readonly depth: number;
  readonly numHeads: number;
  readonly mlpRatio: number;
  readonly useAbsPosEmb: boolean;
  readonly useRelPosBias: boolean;
  readonly useSharedRelPosBias: boolean;
  readonly layerScaleInit: number;
  readonly dropPathRate: number;
  readonly layerNormEpsilon: number;
}

export interface TransformersFolder {
  /** The model that `exportOnnx` of `@beit/compile` made of `pixelValuesToLogits`. */
  readonly model: Uint8Array;
  readonly encoder: EncoderConfig;
  /** Names by class index. */
  readonly classNames: readonly string[];
  /** Default 'mean'. */
  readonly pooling?: Pooling;
  /** What the model was trained with: of pixels in [0, 1], red, green, blue. */
  readonly normalization: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /**
   * The shorter side of a picture before its centre is cut out, pixels, at least `imageSize`. Left out: the whole picture
   * is squeezed into the square, as the released models want it.
   */
  readonly shorterSide?: number;
  /** How pictures are resized. Default 'bicubic'. */
  readonly resample?: keyof typeof RESAMPLE;
}

/** Pillow's numbers of its filters. */
const RESAMPLE = { lanczos: 1, bilinear: 2, bicubic: 3 } as const;

/**
 * The files of a folder that transformers.js loads by `pipeline('image-classification', folder)`, by path:
 * `config.json`, `preprocessor_config.json`, `onnx/model.onnx`. With the parameters as `model.safetensors` beside them
 * (`toTransformers` of `@beit/weights`), transformers in Python loads it as well.
 *
 * @throws RangeError for fewer than two classes, a normalization that is not of three colours, or a side below `imageSize`
 */
export function transformersFolder({
  model,
  encoder,
  classNames,
  pooling = 'mean',
  normalization,
  shorterSide,
  resample = 'bicubic',
}: TransformersFolder): Record<string, string | Uint8Array> {
  const { imageSize } = encoder;
  const { mean, std } = normalization;
  if (classNames.length < 2) {
    throw new RangeError(
      `There are ${classNames.length} names of classes; expected one for each of at least 2.`,
    );
  }
  if (mean.length !== 3 || std.length !== 3 || !std.every((x) => x > 0)) {
    throw new RangeError(
      `The normalization has mean [${mean}] and std [${std}]; expected 3 numbers each, std above 0.`,
    );
  }
  if (shorterSide !== undefined && !(Number.isInteger(shorterSide) && shorterSide >= imageSize)) {
    throw new RangeError(`shorterSide is ${shorterSide}; expected an integer of at least ${imageSize}.`);
  }
  const config = {
    architectures: ['BeitForImageClassification'],
    model_type: 'beit',
    image_size: imageSize,
    patch_size: encoder.patchSize,
    num_channels: 3,
    hidden_size: encoder.embedDim,
    num_hidden_layers: encoder.depth,
    num_attention_heads: encoder.numHeads,
    intermediate_size: encoder.embedDim * encoder.mlpRatio,
    hidden_act: 'gelu',
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    drop_path_rate: encoder.dropPathRate,
    layer_norm_eps: encoder.layerNormEpsilon,
    layer_scale_init_value: encoder.layerScaleInit,
    use_absolute_position_embeddings: encoder.useAbsPosEmb,
    use_relative_position_bias: encoder.useRelPosBias,
    use_shared_relative_position_bias: encoder.useSharedRelPosBias,
    use_mask_token: false,
    use_mean_pooling: pooling === 'mean',
    id2label: Object.fromEntries(classNames.map((name, index) => [index, name])),
    label2id: Object.fromEntries(indexByName(classNames)),
    // There is one file, in float32; in browsers the default would be a quantized one.
    'transformers.js_config': { dtype: 'fp32' },
  };
  const square = { height: imageSize, width: imageSize };
  const preprocessor = {
    // Both transformers and transformers.js know the older name.
    feature_extractor_type: 'BeitFeatureExtractor',
    do_resize: true,
    size: shorterSide === undefined ? square : { shortest_edge: shorterSide },
    resample: RESAMPLE[resample],
    do_center_crop: shorterSide !== undefined,
    crop_size: square,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: [...mean],
    image_std: [...std],
    do_reduce_labels: false,
  };
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
  return {
    // For transformers a whole number is no fraction.
    'config.json': json(config).replace(/("layer_scale_init_value": \d+),/, '$1.0,'),
    'preprocessor_config.json': json(preprocessor),
    'onnx/model.onnx': model,
  };
}

/** Of equal names the first counts. */
function indexByName(names: readonly string[]): Map<string, number> {
  const indices = new Map<string, number>();
  for (const [index, name] of names.entries()) if (!indices.has(name)) indices.set(name, index);
  return indices;
}
