/** The thread that decodes and augments. It is started by `workerPool.ts` and answers its requests in order. */
import { parentPort, workerData } from 'node:worker_threads';
import { type PackedSource, unpackSource } from './source';
import { buffersOf, prepare, type WorkerRequest, type WorkerSetup } from './workerPool';

const given = workerData as WorkerSetup<PackedSource>;
const setup = given.kind === 'views' ? { ...given, source: unpackSource(given.source) } : given;

/** Requests are answered one after the other: more at once would only hold more memory. */
let previous: Promise<void> = Promise.resolve();

parentPort!.on('message', ({ id, ...request }: WorkerRequest) => {
  previous = previous.then(async () => {
    try {
      const prepared = await prepare(setup, request);
      parentPort!.postMessage({ id, ...prepared }, buffersOf(prepared.samples));
    } catch (error) {
      parentPort!.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
});
