import { Worker } from 'node:worker_threads';
import type { Unreadable } from './eachReadable';
import { prepareSamples, type SampleRecipe } from './prepareSamples';
import { type CropRecipe, prepareCrops } from './segmentation/prepareCrops';
import type { SegmentationSource } from './segmentation/segmentationFolder';
import type { ImageSource } from './source';

/** What samples are made of and by; plain data, so that a worker thread can take it. */
export type WorkerSetup =
  | { readonly kind: 'views'; readonly source: ImageSource; readonly recipe: SampleRecipe }
  | { readonly kind: 'crops'; readonly source: SegmentationSource; readonly recipe: CropRecipe };

export interface WorkerRequest {
  readonly id: number;
  readonly epoch: number;
  readonly indices: readonly number[];
}
interface Prepared<Samples> {
  readonly samples: Samples;
  readonly unreadable: Unreadable[];
}
type WorkerAnswer<Samples> = { id: number } & (Prepared<Samples> | { error: string });

/** Prepares samples somewhere. */
export interface SamplePool<Samples> {
  prepare(epoch: number, indices: readonly number[]): Promise<Prepared<Samples>>;
  close(): Promise<void>;
}

/** Makes the samples of a setup; their type is that of its kind. */
export const prepare = (
  setup: WorkerSetup,
  epoch: number,
  indices: readonly number[],
): Promise<Prepared<object>> =>
  setup.kind === 'views'
    ? prepareSamples(setup.source, setup.recipe, epoch, indices)
    : prepareCrops(setup.source, setup.recipe, epoch, indices);

/** Built, the worker lies beside this module; from source, a thread must first learn to read TypeScript. */
function startWorker(setup: WorkerSetup): Worker {
  const extension = /\.[cm]?[jt]s$/.exec(import.meta.url)![0];
  const url = new URL(`./worker${extension}`, import.meta.url);
  if (extension !== '.ts') return new Worker(url, { workerData: setup });
  const bootstrap = `import('tsx/esm/api').then(({ register }) => { register(); return import('${url}'); })`;
  return new Worker(bootstrap, { eval: true, workerData: setup, execArgv: ['--conditions=@beit/source'] });
}

/** A pool of `workers` threads; with 0, samples are prepared where they are asked for. */
export function createPool<Samples>(setup: WorkerSetup, workers: number): SamplePool<Samples> {
  if (workers === 0) {
    return {
      prepare: (epoch, indices) => prepare(setup, epoch, indices) as Promise<Prepared<Samples>>,
      close: async () => {},
    };
  }
  const waiting = new Map<
    number,
    { resolve(prepared: Prepared<Samples>): void; reject(error: Error): void }
  >();
  let failure: Error | undefined;
  let closed = false;
  let nextId = 0;

  const fail = (error: Error) => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  const threads = Array.from({ length: workers }, () => {
    const worker = startWorker(setup);
    worker.on('message', ({ id, ...answer }: WorkerAnswer<Samples>) => {
      const request = waiting.get(id);
      waiting.delete(id);
      if ('error' in answer) request?.reject(new Error(answer.error));
      else request?.resolve(answer);
    });
    worker.on('error', (error) =>
      fail(new Error(`A data worker failed: ${error.message}`, { cause: error })),
    );
    worker.on('exit', (code) => {
      if (!closed) fail(new Error(`A data worker stopped with exit code ${code}.`));
    });
    // Waiting for data keeps the process alive through the promise's user; an idle pool does not.
    worker.unref();
    return worker;
  });

  return {
    prepare(epoch, indices) {
      if (failure) return Promise.reject(failure);
      const id = nextId++;
      const thread = threads[id % threads.length]!;
      thread.ref();
      return new Promise<Prepared<Samples>>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        thread.postMessage({ id, epoch, indices } satisfies WorkerRequest);
      }).finally(() => {
        if (waiting.size === 0 && !closed) for (const worker of threads) worker.unref();
      });
    },
    async close() {
      closed = true;
      fail(new Error('The loader was closed.'));
      await Promise.all(
        threads.map((thread) => {
          thread.ref();
          return thread.terminate();
        }),
      );
    },
  };
}
