/** The thread that reads Parquet files for `shards/withParquet.ts`: one task after the other, and what each gives. */
import { parentPort } from 'node:worker_threads';
import { PARQUET_TASKS } from './shards/parquetTasks';
import { type ParquetMessage, SIGN_OF_LIFE_SECONDS, type ThreadTask } from './shards/withParquet';

const send = (message: ParquetMessage) => parentPort!.postMessage(message);

parentPort!.on('message', async ({ name, args }: ThreadTask) => {
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
