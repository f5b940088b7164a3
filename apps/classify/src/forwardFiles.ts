import { basename, dirname } from 'node:path';
import type { EngineOptions, ImageFile } from '@beit/cli';
import { compileForward } from '@beit/compile';
import { loadViews, type TwoViewOptions } from '@beit/data';
import { type NamedTensors, sizeOf } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import { shapeOf } from './views';

export interface ForwardFilesOptions {
  /** What is wanted of normalized images `[batch, height, width, channels]`: `[batch, ...]`. */
  readonly of: (params: Record<string, tf.Tensor>, images: tf.Tensor) => tf.Tensor;
  /** All that it reads. */
  readonly params: NamedTensors;
  readonly view: TwoViewOptions;
  readonly engine: EngineOptions;
}

/** What came out for a picture, or why it could not be read. */
export type FileOutput = { readonly file: ImageFile } & (
  | { readonly output: Float32Array; readonly shape: readonly number[] }
  | { readonly reason: string }
);

/** Pictures in one call: a single one waits for no others. */
const LARGEST_BATCH = 16;

/** A model over pictures wherever they lie, in their order; memory is that of one batch. */
export async function* forwardFiles(
  files: readonly ImageFile[],
  { of, params, view, engine }: ForwardFilesOptions,
): AsyncGenerator<FileOutput> {
  const batchSize = Math.min(files.length, LARGEST_BATCH);
  const shape = shapeOf(view, batchSize);
  const program = await compileForward(
    (params: Record<string, tf.Tensor>, { images }: { images: tf.Tensor }) => ({
      output: of(params, images),
    }),
    { params, inputs: { images: { dtype: 'float32', shape } } },
    engine,
  );
  try {
    const size = sizeOf(shape.slice(1));
    for (let first = 0; first < files.length; first += batchSize) {
      const some = files.slice(first, first + batchSize);
      const data = new Float32Array(batchSize * size);
      const reasons = new Map<ImageFile, string>();
      // One after the other: they are decoded in the memory of the same kernels.
      for (const [i, file] of some.entries()) {
        const { path } = file;
        const source = { kind: 'folder', directory: dirname(path), names: [basename(path)] } as const;
        try {
          data.set((await loadViews(source, 0, view)).image, i * size);
        } catch (error) {
          reasons.set(file, error instanceof Error ? error.message : String(error));
        }
      }
      const { output } = await program.run({ images: { dtype: 'float32', shape, data } });
      const own = output.data.length / batchSize;
      for (const [i, file] of some.entries()) {
        const reason = reasons.get(file);
        yield reason === undefined
          ? {
              file,
              output: (output.data as Float32Array).slice(i * own, (i + 1) * own),
              shape: output.shape.slice(1),
            }
          : { file, reason };
      }
    }
  } finally {
    await program.dispose();
  }
}
