import { dirname, join } from 'node:path';
import { createLoader, openShards } from '@beit/data';
import { views } from './views';

/** Where shards come that are read beside `path`. */
export const cacheBeside = (path: string): string => join(dirname(path), 'cache');

/** The first pictures of shards, as they are loaded. */
export async function readShards(path: string): Promise<unknown> {
  const cache = { directory: cacheBeside(path), maxBytes: 2 ** 26 };
  const { train } = await openShards(path, { window: 1, cache });
  const loader = createLoader({ source: train.source, batchSize: 1, seed: 0, views, workers: 0 });
  const pictures: unknown[] = [];
  try {
    for (let step = 0; step < Math.min(3, loader.stepsPerEpoch); step++) {
      const { names, images } = await loader.batch(step);
      pictures.push([names, images.data.slice()]);
    }
    return [pictures, loader.unreadable()];
  } finally {
    await loader.close();
  }
}
