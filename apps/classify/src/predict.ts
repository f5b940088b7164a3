import { basename, dirname } from 'node:path';
import { compileForward } from '@beit/compile';
import { loadViews } from '@beit/data';
import type * as tf from '@tensorflow/tfjs';
import { loadClassifier } from './classifierFile';
import { softmax } from './evaluation';
import { createModel } from './model';
import type { Options } from './options';
import { plainView } from './views';

export interface Prediction {
  readonly file: string;
  /** Most likely first. */
  readonly classes: readonly { readonly name: string; readonly probability: number }[];
}

/**
 * What is in some images, one after the other.
 *
 * @throws for the first image that cannot be read
 */
export async function* predict({
  model,
  files,
  top,
  engine,
}: Options & { readonly model: string }): AsyncGenerator<Prediction> {
  const trained = await loadClassifier(model);
  const { classifier } = createModel(trained, trained.classes.length);
  const view = plainView(trained);
  const program = await compileForward(
    (params: Record<string, tf.Tensor>, { images }: { images: tf.Tensor }) => ({
      logits: classifier.logits(params, images),
    }),
    {
      params: trained.params,
      inputs: { images: { dtype: 'float32', shape: [1, view.imageSize, view.imageSize, 3] } },
    },
    engine,
  );
  try {
    for (const file of files) {
      const source = { kind: 'folder', directory: dirname(file), names: [basename(file)] } as const;
      const { image } = await loadViews(source, 0, view).catch((cause: Error) => {
        throw new Error(`Cannot read ${file}: ${cause.message}`, { cause });
      });
      const shape = [1, view.imageSize, view.imageSize, 3];
      const { logits } = await program.run({ images: { dtype: 'float32', shape, data: image } });
      const classes = [...softmax(logits.data)]
        .map((probability, label) => ({ name: trained.classes[label]!, probability }))
        .sort((a, b) => b.probability - a.probability)
        .slice(0, top);
      yield { file, classes };
    }
  } finally {
    await program.dispose();
  }
}
