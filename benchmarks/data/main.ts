/**
 * Images per second of the loader: emoji from memory, and photographs in the size of ImageNet's from JPEG files.
 *
 *   node --conditions=@beit/source --import tsx benchmarks/data/main.ts [--json] [--workers 0,1,2] [--seconds 3]
 *
 * Batches are asked for one after the other, as fast as they come; the first ones, which start threads, do not count.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  BEIT_COLOR_JITTER,
  BEIT_CROP,
  createLoader,
  emojiDataset,
  INCEPTION_NORMALIZATION,
  imageFolder,
  type LoaderOptions,
} from '@beit/data';
import sharp from 'sharp';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    workers: { type: 'string', default: '0,1,2' },
    seconds: { type: 'string', default: '3' },
  },
});
const workerCounts = values.workers.split(',').map(Number);
const seconds = Number(values.seconds);
if (!(seconds > 0 && workerCounts.every((count) => Number.isSafeInteger(count) && count >= 0))) {
  throw new RangeError(
    `--workers ${values.workers} --seconds ${values.seconds}: give whole numbers, and a time above 0.`,
  );
}

const PHOTOGRAPHS = 32;

/** JPEG files of smooth shapes with some noise, about as large as photographs of 500 x 375 pixels. */
async function writePhotographs(folder: string): Promise<void> {
  const [width, height] = [500, 375];
  for (let i = 0; i < PHOTOGRAPHS; i++) {
    const data = new Uint8Array(width * height * 3);
    let noise = i + 1;
    for (let y = 0, o = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < 3; c++, o++) {
          noise = (noise * 1_103_515_245 + 12_345) & 0x7fffffff;
          data[o] =
            128 +
            60 * Math.sin((x + 13 * i) / 40 + c) +
            40 * Math.cos((y * (i + 1)) / 90) +
            (noise >>> 16) / 2048;
        }
      }
    }
    const image = sharp(data, { raw: { width, height, channels: 3 } });
    await image.jpeg({ quality: 90 }).toFile(join(folder, `${i}.jpg`));
  }
}

const augmentation = { crop: BEIT_CROP, colorJitter: BEIT_COLOR_JITTER, flip: 0.5 };
const folder = await mkdtemp(join(tmpdir(), 'beit-benchmark-'));

async function measure(options: LoaderOptions): Promise<number> {
  const loader = createLoader(options);
  let step = 0;
  for (; step < 3; step++) await loader.batch(step);
  const first = step;
  const start = performance.now();
  while (performance.now() - start < 1000 * seconds) await loader.batch(step++);
  const elapsed = (performance.now() - start) / 1000;
  await loader.close();
  return ((step - first) * options.batchSize) / elapsed;
}

try {
  await writePhotographs(folder);
  const configs: Record<string, Omit<LoaderOptions, 'workers'>> = {
    'emoji, 96 -> 64 / 32': {
      source: (await emojiDataset({ split: 'heldOut' })).source,
      batchSize: 32,
      seed: 0,
      views: {
        imageSize: 64,
        tokenImageSize: 32,
        normalization: INCEPTION_NORMALIZATION,
        background: 'pastel',
        augmentation,
      },
      masking: { kind: 'blockwise', gridSize: 8, numMaskingPatches: 25, minNumPatches: 4 },
    },
    'JPEG, 500x375 -> 224 / 112': {
      source: await imageFolder(folder),
      batchSize: 16,
      seed: 0,
      views: {
        imageSize: 224,
        tokenImageSize: 112,
        normalization: INCEPTION_NORMALIZATION,
        background: 'white',
        augmentation,
      },
      masking: { kind: 'blockwise', gridSize: 14, numMaskingPatches: 75, minNumPatches: 16 },
    },
  };
  const results = [];
  for (const [images, options] of Object.entries(configs)) {
    for (const workers of workerCounts) {
      results.push({ images, workers, imagesPerSecond: await measure({ ...options, workers }) });
    }
  }
  const cores = availableParallelism();
  const report = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores, seconds, results };
  if (values.json) console.log(JSON.stringify(report, null, 2));
  else {
    console.log(`images per second over ${seconds} s; ${report.cpu}, ${cores} cores, Node ${report.node}`);
    console.table(
      results.map(({ images, workers, imagesPerSecond }) => ({
        images,
        workers,
        'images / s': Number(imagesPerSecond.toPrecision(3)),
      })),
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
