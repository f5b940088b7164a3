import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { startProcess } from '../threads/startProcess';
import { damageOf } from './damageOf';
import type { ParquetTasks } from './parquetTasks';
import { ShardError } from './shardError';
import { isAddress } from './shardFile';

/** What the process is to do. */
export interface ParquetTask {
  readonly name: keyof ParquetTasks;
  readonly args: readonly string[];
}

type TaskResult<Name extends keyof ParquetTasks> = Awaited<ReturnType<ParquetTasks[Name]>>;

/** What the process says. */
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
/** The status of an end that V8 brings about, where there are no signals; elsewhere it is SIGABRT. */
const OUT_OF_MEMORY = 134;
/** A process waits so long for the next file; then it gives its memory back. */
const WAITING_SECONDS = 2;

/** A process that has read a file, and may read another: starting one takes longer than most files do. */
let waiting: { readonly child: ChildProcess; readonly megabytes: number } | undefined;

/** The heap for a file of so many bytes: a power of two, so that a process serves files of about the same size. */
const heapFor = (bytes: number): number =>
  Math.min(MOST_HEAP_MEGABYTES, 2 ** Math.ceil(Math.log2(HEAP_MEGABYTES + 4e-6 * bytes)));

function takeProcess(megabytes: number): ChildProcess {
  const { child, megabytes: its } = waiting ?? {};
  waiting = undefined;
  if (child && its === megabytes) {
    child.removeAllListeners();
    child.ref();
    child.channel?.ref();
    return child;
  }
  child?.kill('SIGKILL');
  return startProcess('parquetProcess', megabytes);
}

/** It keeps no process from its end. */
function keepProcess(child: ChildProcess, megabytes: number): void {
  waiting?.child.kill('SIGKILL');
  const kept = { child, megabytes };
  const drop = () => {
    if (waiting === kept) waiting = undefined;
  };
  child.removeAllListeners();
  child.on('error', drop).on('exit', drop).unref();
  child.channel?.unref();
  waiting = kept;
  setTimeout(() => {
    if (waiting !== kept) return;
    drop();
    child.kill('SIGKILL');
  }, 1000 * WAITING_SECONDS).unref();
}

/** Ends it, and waits until it is gone. */
async function endProcess(child: ChildProcess): Promise<void> {
  child.removeAllListeners();
  child.on('error', () => {});
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/**
 * Does something with a Parquet file in another process, with time and memory in proportion to its size: bytes of a
 * damaged file make hyparquet loop without end, or fill the memory, and neither may keep this process or end it.
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
  const child = takeProcess(megabytes);
  const damaged = (what: string) =>
    new ShardError(`'${location}' is no Parquet file that can be read: ${what}.`);
  const silentSeconds = SILENT_SECONDS + bytes / BYTES_PER_SECOND;
  let watch: NodeJS.Timeout | undefined;
  try {
    const result = await new Promise<TaskResult<Name>>((resolve, reject) => {
      // In several steps: where it is this process that was kept from running, one of them passes for all.
      const STEPS = 4;
      let silent = 0;
      const look = () => {
        if (++silent > STEPS)
          reject(
            damaged(`nothing came of it in ${silentSeconds.toFixed(0)} s, as happens with damaged ones`),
          );
      };
      child.on('message', (message: ParquetMessage) => {
        silent = 0;
        // A process takes its time to start.
        watch ??= setInterval(look, (1000 * silentSeconds) / STEPS);
        if (message.kind === 'result') resolve(message.result as TaskResult<Name>);
        else if (message.kind === 'error')
          reject(
            message.name === 'ShardError' ? new ShardError(message.message) : damaged(damageOf(message)),
          );
      });
      child.on('error', (error) => reject(damaged(damageOf(error))));
      child.on('exit', (code, signal) =>
        reject(
          damaged(
            signal === 'SIGABRT' || code === OUT_OF_MEMORY
              ? `it takes more than ${megabytes} MB, as happens with damaged ones`
              : `its process ended with ${signal ?? `exit code ${code}`}`,
          ),
        ),
      );
      child.send({ name, args: [location, ...rest] } satisfies ParquetTask);
    });
    keepProcess(child, megabytes);
    return result;
  } catch (error) {
    await endProcess(child);
    for (const path of rest) await rm(`${path}.part`, { force: true });
    throw error;
  } finally {
    clearInterval(watch);
  }
}
