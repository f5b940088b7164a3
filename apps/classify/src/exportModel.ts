import { pixelValuesToLogits } from '@beit/classification';
import { exportOnnx } from '@beit/compile';
import { transformersConfig } from '@beit/vit';
import { saveTransformers } from '@beit/weights';
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
  const { resize } = preprocessing.framing;
  if (resize && 'cover' in resize.to)
    say(
      'Written as stretching: transformers has no word for pictures that are made to cover a size. Those of other proportions than the model are seen otherwise there.',
    );
  const { vit, classifier } = createModel({ model: trained.model, pooling }, classes.length);
  const { imageSize, inChannels } = vit.config;
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
