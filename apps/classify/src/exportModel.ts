import { pixelValuesToLogits } from '@beit/classification';
import { exportOnnx } from '@beit/compile';
import { transformersConfig } from '@beit/vit';
import { type Preprocessing, saveTransformers } from '@beit/weights';
import { loadClassifier, MULTI_LABEL } from './classifierFile';
import { createModel } from './model';

export interface ExportOptions {
  readonly model: string;
  readonly classNames?: string;
  readonly heads?: number;
  readonly out: string;
}

/**
 * Writes a classifier as a folder that transformers.js and onnxruntime-web run, and transformers in Python loads:
 * `onnx/model.onnx` from `pixel_values` `[batch, channels, height, width]` to `logits`, `config.json`,
 * `preprocessor_config.json`, and the parameters as `model.safetensors`.
 *
 * @returns the paths that were written
 */
export async function exportModel(
  { model, classNames, heads, out }: ExportOptions,
  say: (line: string) => void = () => {},
): Promise<string[]> {
  const { params, classes, preprocessing, pooling, named, multiLabel, notes, ...trained } =
    await loadClassifier(model, { classNames, heads });
  for (const note of notes) say(note);
  const { vit, classifier } = createModel({ model: trained.model, pooling }, classes.length);
  const { imageSize, inChannels } = vit.config;
  for (const note of whatDiffers(imageSize, preprocessing)) say(note);
  const shape = ['batch', inChannels, ...imageSize] as const;
  const onnx = await exportOnnx(
    pixelValuesToLogits(classifier),
    { params, inputs: { pixel_values: { dtype: 'float32', shape } } },
    {
      docString: `Image classifier of ${classes.length} classes`,
      metadata: { classes: JSON.stringify(classes) },
    },
  );
  return saveTransformers(out, params, {
    config: transformersConfig(vit.config, {
      pooling,
      numClasses: classes.length,
      ...(named && { classNames: classes }),
      ...(multiLabel && { problemType: MULTI_LABEL }),
    }),
    preprocessing,
    onnx,
  });
}

/** Where transformers would answer otherwise, for people. */
function whatDiffers(
  [height, width]: readonly [number, number],
  { framing: { resize } }: Preprocessing,
): readonly string[] {
  return [
    ...(height === width
      ? []
      : [
          'Pictures that are no squares: transformers 5.24 in Python takes positions for those of a square, and answers otherwise; onnx/model.onnx does not.',
        ]),
    ...(resize && 'cover' in resize.to
      ? [
          'How pictures are resized is written as stretching: transformers has no word for covering a size. Those of other proportions than the model are seen otherwise there.',
        ]
      : []),
  ];
}
