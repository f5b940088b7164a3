/** Our loader on a large folder, in a process of its own. Argument: `LargeOptions` as JSON; prints a `LargeResult`. */
import { createLoader, imageFolder } from '@beit/data';
import { jpegLoader } from '../data/jpegLoader';

export interface LargeOptions {
  readonly folder: string;
  /** Where its index is kept. */
  readonly indexes: string;
  readonly workers: number;
  readonly batchSize: number;
  /** How many are loaded after the first batch. */
  readonly images: number;
}

export interface LargeResult {
  readonly secondsToNames: number;
  readonly secondsToFirstBatch: number;
  readonly imagesPerSecond: number;
  /** Resident memory of the process, all threads, at times. */
  readonly memory: readonly { readonly images: number; readonly megabytes: number }[];
}

async function measure({ folder, indexes, workers, batchSize, images }: LargeOptions): Promise<LargeResult> {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const source = await imageFolder(folder, { indexes });
  const secondsToNames = seconds();
  const loader = createLoader({ ...jpegLoader(source, batchSize), workers });
  loader.release(await loader.batch(0));
  const secondsToFirstBatch = seconds();
  const memory: { images: number; megabytes: number }[] = [];
  const steps = Math.ceil(images / batchSize);
  const pause = Math.max(1, Math.floor(steps / 100));
  for (let step = 1; step <= steps; step++) {
    loader.release(await loader.batch(step));
    if (step % pause === 0 || step === steps) {
      memory.push({ images: step * batchSize, megabytes: process.memoryUsage.rss() / 1e6 });
    }
  }
  const imagesPerSecond = (steps * batchSize) / (seconds() - secondsToFirstBatch);
  await loader.close();
  return { secondsToNames, secondsToFirstBatch, imagesPerSecond, memory };
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as LargeOptions)));
