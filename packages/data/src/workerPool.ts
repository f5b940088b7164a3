import { Worker } from 'node:worker_threads';
import type { Unreadable } from './eachReadable';
import { prepareSamples, type SampleRecipe, type Samples } from './prepareSamples';
import { type CropRecipe, type Crops, prepareCrops } from './segmentation/prepareCrops';
import type { SegmentationSource } from './segmentation/segmentationFolder';
import { bringAhead } from './shards/bringAhead';
import { releaseLocks } from './shards/withLock';
import { type ImageSource, type PackedSource, packSource } from './source';

/** What samples are made of and by. */
export type WorkerSetup<Source = ImageSource> =
  | { readonly kind: 'views'; readonly source: Source; readonly recipe: SampleRecipe }
  | { readonly kind: 'crops'; readonly source: SegmentationSource; readonly recipe: CropRecipe };

export interface WorkerRequest {
  readonly id: number;
  readonly epoch: number;
  readonly indices: readonly number[];
  /** Shards that are needed soon. */
  readonly ahead: readonly number[];
  /** Samples that nobody needs any more, as many: their arrays are written again. They are lost to who sends them. */
  readonly room?: object;
}
interface Prepared<Samples> {
  readonly samples: Samples;
  readonly unreadable: Unreadable[];
}
type WorkerAnswer<Samples> = { id: number } & (Prepared<Samples> | { error: string });

/** Prepares samples somewhere. */
export interface SamplePool<Samples> {
  prepare(request: Omit<WorkerRequest, 'id'>): Promise<Prepared<Samples>>;
  close(): Promise<void>;
}

/** Makes the samples of a setup; their type is that of its kind. */
export function prepare(
  setup: WorkerSetup,
  { epoch, indices, ahead, room }: Omit<WorkerRequest, 'id'>,
): Promise<Prepared<object>> {
  if (setup.kind === 'crops')
    return prepareCrops(setup.source, setup.recipe, epoch, indices, room as Crops | undefined);
  if (setup.source.kind === 'shards') void bringAhead(setup.source, ahead);
  return prepareSamples(setup.source, setup.recipe, epoch, indices, room as Samples | undefined);
}

/** The memory of samples that goes from thread to thread with them: that of their large arrays. */
export const buffersOf = (samples: object): ArrayBuffer[] =>
  Object.values(samples).flatMap((value) => (ArrayBuffer.isView(value) ? [value.buffer as ArrayBuffer] : []));

/** Built, the worker lies beside this module; from source, a thread must first learn to read TypeScript. */
function startWorker(setup: WorkerSetup<PackedSource>): Worker {
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
      prepare: (request) => prepare(setup, request) as Promise<Prepared<Samples>>,
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
  const packed = setup.kind === 'views' ? { ...setup, source: packSource(setup.source) } : setup;
  const threads = Array.from({ length: workers }, () => {
    const worker = startWorker(packed);
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
    prepare(request) {
      if (failure) return Promise.reject(failure);
      const id = nextId++;
      const thread = threads[id % threads.length]!;
      thread.ref();
      return new Promise<Prepared<Samples>>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        const buffers = request.room ? buffersOf(request.room) : [];
        thread.postMessage({ id, ...request } satisfies WorkerRequest, buffers);
      }).finally(() => {
        if (waiting.size === 0 && !closed) for (const worker of threads) worker.unref();
      });
    },
    async close() {
      closed = true;
      fail(new Error('The loader was closed.'));
      const ids = threads.map(({ threadId }) => threadId);
      await Promise.all(
        threads.map((thread) => {
          thread.ref();
          return thread.terminate();
        }),
      );
      const cache = setup.kind === 'views' && setup.source.kind === 'shards' && setup.source.cache;
      if (cache) await releaseLocks(cache.directory, ids);
    },
  };
}
