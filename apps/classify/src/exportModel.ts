import { pixelValuesToLogits } from '@beit/classification';
import { exportOnnx } from '@beit/compile';
import { transformersConfig } from '@beit/vit';
import { saveTransformers } from '@beit/weights';
import { loadClassifier } from './classifierFile';
import { createModel } from './model';

/**
 * Writes a classifier as a folder that transformers.js and onnxruntime-web run, and transformers in Python loads:
 * `onnx/model.onnx` from `pixel_values` `[batch, 3, height, width]` to `logits`, `config.json`,
 * `preprocessor_config.json`, and the parameters as `model.safetensors`.
 *
 * @returns the paths that were written
 */
export async function exportModel(model: string, out: string): Promise<string[]> {
  const { params, classes, views, pooling, ...trained } = await loadClassifier(model);
  const { vit, classifier } = createModel({ model: trained.model, pooling }, classes.length);
  const { imageSize } = vit.config;
  const shape = ['batch', 3, imageSize, imageSize] as const;
  const onnx = await exportOnnx(
    pixelValuesToLogits(classifier),
    { params, inputs: { pixel_values: { dtype: 'float32', shape } } },
    {
      docString: `Image classifier of ${classes.length} classes`,
      metadata: { classes: JSON.stringify(classes) },
    },
  );
  return saveTransformers(out, params, {
    config: transformersConfig(vit.config, { pooling, classNames: classes }),
    normalization: views.normalization,
    shorterSide: Math.floor(imageSize / views.cropShare),
    onnx,
  });
}
