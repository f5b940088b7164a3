/** The thread that decodes and augments. It is started by `workerPool.ts` and answers its requests in order. */
import { parentPort, workerData } from 'node:worker_threads';
import { prepareSamples } from './prepareSamples';
import type { WorkerRequest, WorkerSetup } from './workerPool';

const { source, recipe } = workerData as WorkerSetup;

/** Requests are answered one after the other: more at once would only hold more memory. */
let previous: Promise<void> = Promise.resolve();

parentPort!.on('message', ({ id, epoch, indices }: WorkerRequest) => {
  previous = previous.then(async () => {
    try {
      const prepared = await prepareSamples(source, recipe, epoch, indices);
      const { image, tokenImage, opacity } = prepared.samples;
      const buffers = [image, tokenImage, opacity].map(({ buffer }) => buffer as ArrayBuffer);
      parentPort!.postMessage({ id, ...prepared }, buffers);
    } catch (error) {
      parentPort!.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
});
