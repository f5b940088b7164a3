import { join } from 'node:path';
import { assertNoInput, framingAt, type ImageFile, imageFiles, loadPretrained } from '@beit/cli';
import { INCEPTION_NORMALIZATION } from '@beit/data';
import type { ProgressReporter } from '@beit/trainer';
import { createVit } from '@beit/vit';
import { forwardFiles } from './forwardFiles';
import { encoderParams, type FeatureKind, imageFeatures } from './imageFeatures';
import { openFeatureFile } from './openFeatureFile';
import type { Options } from './options';
import { plainView, releasedFraming } from './views';

export interface WrittenFeatures {
  readonly paths: readonly string[];
  /** `[images, ...]` */
  readonly shape: readonly number[];
  readonly unreadable: readonly { readonly file: ImageFile; readonly reason: string }[];
}

/**
 * Writes what a checkpoint's encoder says of pictures, `imageFeatures`, to a file, with their names. Pictures that cannot
 * be read are left out and told of.
 *
 * @throws when the checkpoint cannot be used or would be written over, or no picture can be read
 */
export async function features(
  options: Options & { readonly checkpoint: string; readonly out: string },
  progress: Pick<ProgressReporter, 'update' | 'message'>,
  onPicture: (done: number, total: number) => void,
): Promise<WrittenFeatures> {
  const { checkpoint, heads, files, out, engine } = options;
  const kind: FeatureKind = options.features;
  const pretrained = await loadPretrained(checkpoint, { heads });
  const { path, tensors, config, normalization = INCEPTION_NORMALIZATION } = pretrained;
  // A head without `fc_norm` is one on the cls token.
  const headPooling = 'head.weight' in tensors && !('fc_norm.weight' in tensors) ? 'cls' : 'mean';
  const { pooling = headPooling } = pretrained;
  for (const note of [`Features of ${path}.`, ...pretrained.notes]) progress.message(note);
  const vit = createVit(config);
  const params = encoderParams(vit, tensors);
  const missing = Object.keys(vit.parameterShapes()).filter((name) => !(name in params));
  if (missing.length > 0)
    throw new Error(`${path} is no whole encoder; it lacks ${missing.slice(0, 5).join(', ')}.`);
  const framing = framingAt(pretrained) ?? releasedFraming(config);
  const view = plainView(config, { framing, normalization });
  const pictures = await imageFiles(files);
  await assertNoInput([out], [checkpoint, join(checkpoint, 'model.safetensors')]);
  const file = await openFeatureFile(out);
  const unreadable: { file: ImageFile; reason: string }[] = [];
  try {
    file.begin({ features: kind, checkpoint: path });
    let inner: readonly number[] | undefined;
    let done = 0;
    const of = imageFeatures(vit, params, kind, pooling);
    for await (const result of forwardFiles(pictures, { of, params, view, engine })) {
      if ('reason' in result) unreadable.push(result);
      else {
        inner = result.shape;
        file.append(result.file.name, result.output, result.shape);
      }
      onPicture(++done, pictures.length);
    }
    if (!inner) {
      const [first] = unreadable;
      throw new Error(
        `None of ${pictures.length} pictures could be read; ${first!.file.path}: ${first!.reason}`,
      );
    }
    const paths = await file.finish();
    return { paths, shape: [pictures.length - unreadable.length, ...inner], unreadable };
  } finally {
    file.dispose();
  }
}
