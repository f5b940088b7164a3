/** The thread that reads Parquet files for `shards/withParquet.ts`: one task, and what it gives. */
import { parentPort, workerData } from 'node:worker_threads';
import { PARQUET_TASKS } from './shards/parquetTasks';
import { type ParquetMessage, SIGN_OF_LIFE_SECONDS, type ThreadTask } from './shards/withParquet';

const send = (message: ParquetMessage) => parentPort!.postMessage(message);

const signs = setInterval(() => send({ kind: 'alive' }), 1000 * SIGN_OF_LIFE_SECONDS);
send({ kind: 'alive' });
const { name, args } = workerData as ThreadTask;
const task = PARQUET_TASKS[name] as (...args: readonly string[]) => Promise<unknown>;

async function work(): Promise<void> {
  try {
    send({ kind: 'result', result: await task(...args) });
  } catch (error) {
    send({ kind: 'error', name: (error as Error).name, message: (error as Error).message });
  } finally {
    clearInterval(signs);
  }
}
void work();
