import type { EngineOptions } from '@beit/cli';
import { compileForward } from '@beit/compile';
import { createLoader, type ImageSource, type TwoViewOptions, type Unreadable } from '@beit/data';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import { shapeOf } from './views';

type Tensors = Record<string, tf.Tensor>;

const LARGEST_BATCH = 64;

export interface ForwardPassOptions {
  /** What is wanted of normalized images `[batch, height, width, channels]`: `[batch, ...]`. */
  readonly of: (params: Tensors, images: tf.Tensor) => tf.Tensor;
  /** Parameters of the right names and shapes; the program is compiled with them. */
  readonly params: NamedTensors;
  readonly source: ImageSource;
  readonly view: TwoViewOptions;
  readonly engine: EngineOptions;
  readonly workers: number;
}

/** What came out for the images that could be read, in their order. */
export interface ForwardOutput {
  /** `[images, ...]`. */
  readonly output: HostTensor;
  /** Which images these are. */
  readonly indices: readonly number[];
}

export interface ForwardPass {
  run(params: NamedTensors, onBatch?: (done: number, total: number) => void): Promise<ForwardOutput>;
  unreadable(): readonly Unreadable[];
  dispose(): Promise<void>;
}

/** A model over all images of a set; the program is compiled once. */
export async function openForwardPass(options: ForwardPassOptions): Promise<ForwardPass> {
  const { source, view, engine, workers } = options;
  const count = source.names.length;
  const batchSize = Math.min(count, LARGEST_BATCH);
  const loader = createLoader({
    source,
    batchSize,
    seed: 0,
    views: view,
    shuffle: false,
    dropLast: false,
    workers,
  });
  const program = await compileForward(
    (params: Tensors, { images }: { images: tf.Tensor }) => ({ output: options.of(params, images) }),
    {
      params: options.params,
      inputs: { images: { dtype: 'float32', shape: shapeOf(view, batchSize) } },
    },
    engine,
  );
  return {
    async run(params, onBatch = () => {}) {
      await program.writeState(params);
      const rows: Float32Array[] = [];
      const indices: number[] = [];
      let inner: readonly number[] = [];
      for (let step = 0; step < loader.stepsPerEpoch; step++) {
        const batch = await loader.batch(step);
        const { output } = await program.run({ images: batch.images });
        inner = output.shape.slice(1);
        const size = output.data.length / batchSize;
        for (const [i, index] of batch.indices.entries()) {
          // Others stand for images that cannot be read, or fill the last batch up.
          if (index !== step * batchSize + i) continue;
          rows.push((output.data as Float32Array).slice(i * size, (i + 1) * size));
          indices.push(index);
        }
        loader.release(batch);
        onBatch(Math.min(count, (step + 1) * batchSize), count);
      }
      const size = inner.reduce((a, b) => a * b, 1);
      const data = new Float32Array(rows.length * size);
      for (const [i, row] of rows.entries()) data.set(row, i * size);
      return {
        output: { dtype: 'float32', shape: [rows.length, ...inner], data },
        indices,
      };
    },
    unreadable: () => loader.unreadable(),
    async dispose() {
      await program.dispose();
      await loader.close();
    },
  };
}
