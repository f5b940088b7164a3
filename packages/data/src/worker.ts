/** The thread that decodes and augments. It is started by `workerPool.ts` and answers its requests in order. */
import { parentPort, workerData } from 'node:worker_threads';
import type { SampleTask } from './loading/task';
import { viewsTask } from './loading/viewsTask';
import { buffersOf, type WorkerData, type WorkerRequest } from './loading/workerPool';
import { cropsTask } from './segmentation/cropsTask';

const TASKS: readonly SampleTask[] = [viewsTask, cropsTask];

const given = workerData as WorkerData;
const task = TASKS.find(({ name }) => name === given.task);
if (!task) throw new Error(`There is no task '${given.task}'.`);
const setup = task.unpack(given.setup);

/** Requests are answered one after the other: more at once would only hold more memory. */
let previous: Promise<void> = Promise.resolve();

parentPort!.on('message', ({ id, ...request }: WorkerRequest) => {
  previous = previous.then(async () => {
    try {
      const prepared = await task.prepare(setup, request);
      parentPort!.postMessage({ id, ...prepared }, buffersOf(prepared.samples));
    } catch (error) {
      parentPort!.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
});
