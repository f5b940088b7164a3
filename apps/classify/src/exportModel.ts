import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pixelValuesToLogits, transformersFolder } from '@beit/classification';
import { exportOnnx } from '@beit/compile';
import { saveSafetensors, toTransformers } from '@beit/weights';
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
  const files = transformersFolder({
    model: onnx,
    encoder: vit.config,
    classNames: classes,
    pooling,
    normalization: views.normalization,
    shorterSide: Math.floor(imageSize / views.cropShare),
  });
  const paths: string[] = [];
  for (const [name, content] of Object.entries(files)) {
    const path = join(out, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    paths.push(path);
  }
  const weights = join(out, 'model.safetensors');
  await saveSafetensors(weights, toTransformers(params, { version: 4 }), { format: 'pt' });
  return [...paths, weights];
}
