import { startThread } from '../threads/startThread';
import type { PreparedSamples, SampleRequest, SampleTask } from './task';

/** What a thread begins with. */
export interface WorkerData {
  /** The name of the task. */
  readonly task: string;
  /** Packed. */
  readonly setup: object;
}
export interface WorkerRequest extends SampleRequest {
  readonly id: number;
}
type WorkerAnswer<Samples> = { id: number } & (PreparedSamples<Samples> | { error: string });

/** Prepares samples somewhere. */
export interface SamplePool<Samples> {
  prepare(request: SampleRequest<Samples>): Promise<PreparedSamples<Samples>>;
  close(): Promise<void>;
}

/** The memory of samples that goes from thread to thread with them: that of their large arrays. */
export const buffersOf = (samples: object): ArrayBuffer[] =>
  Object.values(samples).flatMap((value) => (ArrayBuffer.isView(value) ? [value.buffer as ArrayBuffer] : []));

/** A pool of `workers` threads; with 0, samples are prepared where they are asked for. */
export function createPool<Setup extends object, Samples extends object>(
  task: SampleTask<Setup, Samples>,
  setup: Setup,
  workers: number,
): SamplePool<Samples> {
  if (workers === 0)
    return {
      prepare: (request) => task.prepare(setup, request),
      close: async () => task.cleanUp?.(setup, []),
    };
  const waiting = new Map<
    number,
    { resolve(prepared: PreparedSamples<Samples>): void; reject(error: Error): void }
  >();
  let failure: Error | undefined;
  let closed = false;
  let nextId = 0;

  const fail = (error: Error) => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  const workerData: WorkerData = { task: task.name, setup: task.pack(setup) };
  const threads = Array.from({ length: workers }, () => {
    const worker = startThread('worker', { workerData });
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
      return new Promise<PreparedSamples<Samples>>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        const buffers = request.reused ? buffersOf(request.reused) : [];
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
      await task.cleanUp?.(setup, ids);
    },
  };
}
