import { Worker } from 'node:worker_threads';
import { prepareSamples, type SampleRecipe, type Samples, type Unreadable } from './prepareSamples';
import type { ImageSource } from './source';

export interface WorkerSetup {
  readonly source: ImageSource;
  readonly recipe: SampleRecipe;
}
export interface WorkerRequest {
  readonly id: number;
  readonly epoch: number;
  readonly indices: readonly number[];
}
type Prepared = { samples: Samples; unreadable: Unreadable[] };
type WorkerAnswer = { id: number } & (Prepared | { error: string });

/** Prepares samples somewhere. */
export interface SamplePool {
  prepare(epoch: number, indices: readonly number[]): Promise<Prepared>;
  close(): Promise<void>;
}

/** Built, the worker lies beside this module; from source, a thread must first learn to read TypeScript. */
function startWorker(setup: WorkerSetup): Worker {
  const extension = /\.[cm]?[jt]s$/.exec(import.meta.url)![0];
  const url = new URL(`./worker${extension}`, import.meta.url);
  if (extension !== '.ts') return new Worker(url, { workerData: setup });
  const bootstrap = `import('tsx/esm/api').then(({ register }) => { register(); return import('${url}'); })`;
  return new Worker(bootstrap, { eval: true, workerData: setup, execArgv: ['--conditions=@beit/source'] });
}

/** A pool of `workers` threads; with 0, samples are prepared where they are asked for. */
export function createPool(setup: WorkerSetup, workers: number): SamplePool {
  if (workers === 0) {
    return {
      prepare: (epoch, indices) => prepareSamples(setup.source, setup.recipe, epoch, indices),
      close: async () => {},
    };
  }
  const waiting = new Map<number, { resolve(prepared: Prepared): void; reject(error: Error): void }>();
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
    worker.on('message', ({ id, ...answer }: WorkerAnswer) => {
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
      return new Promise<Prepared>((resolve, reject) => {
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
