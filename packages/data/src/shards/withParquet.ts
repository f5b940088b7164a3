import { rm, stat } from 'node:fs/promises';
import type { Worker } from 'node:worker_threads';
import { startThread } from '../threads/startThread';
import { damageOf } from './damageOf';
import type { ParquetTasks } from './parquetTasks';
import { ShardError } from './shardError';
import { isAddress } from './shardFile';

/** What the thread is to do. */
export interface ThreadTask {
  readonly name: keyof ParquetTasks;
  readonly args: readonly string[];
}

type TaskResult<Name extends keyof ParquetTasks> = Awaited<ReturnType<ParquetTasks[Name]>>;

/** What the thread says. */
export type ParquetMessage =
  | { readonly kind: 'alive' }
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'error'; readonly name: string; readonly message: string };

export const SIGN_OF_LIFE_SECONDS = 0.25;

/** Without a sign of life: reading a page takes milliseconds. And for a page as large as the file. */
const SILENT_SECONDS = 2;
const BYTES_PER_SECOND = 20e6;
/** For JavaScript's own objects, in megabytes, beside four times the size of the file. */
const HEAP_MEGABYTES = 192;
const MOST_HEAP_MEGABYTES = 4096;
/** A thread waits so long for the next file; then it gives its memory back. */
const WAITING_SECONDS = 2;

/** A thread that has read a file, and may read another: starting one takes longer than most files do. */
let waiting: { readonly thread: Worker; readonly megabytes: number } | undefined;

/** The heap for a file of so many bytes: a power of two, so that a thread serves files of about the same size. */
const heapFor = (bytes: number): number =>
  Math.min(MOST_HEAP_MEGABYTES, 2 ** Math.ceil(Math.log2(HEAP_MEGABYTES + 4e-6 * bytes)));

/** Of its own listeners none may go. */
function forget(thread: Worker): void {
  for (const event of ['message', 'error', 'exit']) thread.removeAllListeners(event);
}

function takeThread(megabytes: number): Worker {
  const { thread, megabytes: its } = waiting ?? {};
  waiting = undefined;
  if (thread && its === megabytes) {
    forget(thread);
    thread.ref();
    return thread;
  }
  void thread?.terminate();
  return startThread('parquetThread', { resourceLimits: { maxOldGenerationSizeMb: megabytes } });
}

/** It keeps no process from its end. */
function keepThread(thread: Worker, megabytes: number): void {
  void waiting?.thread.terminate();
  const kept = { thread, megabytes };
  const drop = () => {
    if (waiting === kept) waiting = undefined;
  };
  forget(thread);
  thread.on('error', drop).on('exit', drop).unref();
  waiting = kept;
  setTimeout(() => {
    if (waiting !== kept) return;
    drop();
    void thread.terminate();
  }, 1000 * WAITING_SECONDS).unref();
}

/**
 * Does something with a Parquet file in another thread, with time and memory in proportion to its size: bytes of a
 * damaged file make hyparquet loop without end, or fill the memory, and neither may keep this thread or end the process.
 *
 * @param location of the file
 * @param rest what else the task is given: paths, which are removed where it was stopped, with `.part` behind them
 * @throws ShardError, which names the file, whatever goes wrong
 */
export async function withParquet<Name extends keyof ParquetTasks>(
  name: Name,
  location: string,
  ...rest: readonly string[]
): Promise<TaskResult<Name>> {
  const bytes = isAddress(location) ? 0 : ((await stat(location).catch(() => undefined))?.size ?? 0);
  const megabytes = heapFor(bytes);
  const thread = takeThread(megabytes);
  const damaged = (what: string) =>
    new ShardError(`'${location}' is no Parquet file that can be read: ${what}.`);
  const silentSeconds = SILENT_SECONDS + bytes / BYTES_PER_SECOND;
  let watch: NodeJS.Timeout | undefined;
  try {
    const result = await new Promise<TaskResult<Name>>((resolve, reject) => {
      // In several steps: where it is this thread that was kept from running, one of them passes for all.
      const STEPS = 4;
      let silent = 0;
      const look = () => {
        if (++silent > STEPS)
          reject(
            damaged(`nothing came of it in ${silentSeconds.toFixed(0)} s, as happens with damaged ones`),
          );
      };
      thread.on('message', (message: ParquetMessage) => {
        silent = 0;
        // A thread takes its time to start.
        watch ??= setInterval(look, (1000 * silentSeconds) / STEPS);
        if (message.kind === 'result') resolve(message.result as TaskResult<Name>);
        else if (message.kind === 'error')
          reject(
            message.name === 'ShardError' ? new ShardError(message.message) : damaged(damageOf(message)),
          );
      });
      thread.on('error', (error: NodeJS.ErrnoException) =>
        reject(
          damaged(
            error.code === 'ERR_WORKER_OUT_OF_MEMORY'
              ? `it takes more than ${megabytes} MB, as happens with damaged ones`
              : damageOf(error),
          ),
        ),
      );
      thread.on('exit', (code) => reject(damaged(`its thread stopped with exit code ${code}`)));
      thread.postMessage({ name, args: [location, ...rest] } satisfies ThreadTask);
    });
    keepThread(thread, megabytes);
    return result;
  } catch (error) {
    await thread.terminate();
    for (const path of rest) await rm(`${path}.part`, { force: true });
    throw error;
  } finally {
    clearInterval(watch);
  }
}
