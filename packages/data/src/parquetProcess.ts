/** The process that reads Parquet files for `shards/withParquet.ts`: one task after the other, and what each gives. */
import { Worker } from 'node:worker_threads';
import { PARQUET_TASKS } from './shards/parquetTasks';
import { type ParquetMessage, type ParquetTask, SIGN_OF_LIFE_SECONDS } from './shards/withParquet';

// What asks for an end, at a keyboard too, is for the process that asks this one, and ends it in its time.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit());

// A damaged file may keep this thread for good, so that it does not learn when it is alone: another one looks.
new Worker(
  `const parent = process.ppid;
  setInterval(() => {
    try {
      process.kill(parent, 0);
      if (process.ppid === parent) return;
    } catch {}
    process.kill(process.pid, 'SIGKILL');
  }, 500);`,
  { eval: true, execArgv: [] },
).unref();

const send = (message: ParquetMessage) => process.send?.(message);

process.on('message', async ({ name, args }: ParquetTask) => {
  const task = PARQUET_TASKS[name] as (...args: readonly string[]) => Promise<unknown>;
  const signs = setInterval(() => send({ kind: 'alive' }), 1000 * SIGN_OF_LIFE_SECONDS);
  send({ kind: 'alive' });
  try {
    send({ kind: 'result', result: await task(...args) });
  } catch (error) {
    send({ kind: 'error', name: (error as Error).name, message: (error as Error).message });
  } finally {
    clearInterval(signs);
  }
});
