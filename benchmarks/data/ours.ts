/** Images per second of our loader, in a process of its own. Argument: `OursOptions` as JSON; prints a `LoaderRate`. */
import {
  BEIT_COLOR_JITTER,
  BEIT_CROP,
  createLoader,
  emojiDataset,
  INCEPTION_NORMALIZATION,
  imageFolder,
  type LoaderOptions,
  openShards,
} from '@beit/data';
import { jpegLoader } from './jpegLoader';

export interface OursOptions {
  /** A folder of JPEG files; the embedded emoji without one. */
  readonly folder?: string;
  /** Whether it has them in shards. */
  readonly shards?: boolean;
  readonly workers: number;
  readonly batchSize: number;
  readonly seconds: number;
}

export interface LoaderRate {
  readonly imagesPerSecond: number;
  /** Per second of work of all threads together: what one core does. */
  readonly imagesPerCoreSecond: number;
  /** From the listing of the files on. */
  readonly secondsToFirstBatch: number;
  readonly versions?: Readonly<Record<string, string>>;
}

const augmentation = { crop: BEIT_CROP, colorJitter: BEIT_COLOR_JITTER, flip: 0.5 };
const normalization = INCEPTION_NORMALIZATION;

async function loaderOptions({ folder, shards, batchSize }: OursOptions): Promise<LoaderOptions> {
  if (folder === undefined) {
    return {
      source: (await emojiDataset({ split: 'heldOut' })).source,
      batchSize,
      seed: 0,
      views: { imageSize: 64, tokenImageSize: 32, normalization, background: 'pastel', augmentation },
      masking: { kind: 'blockwise', gridSize: 8, numMaskingPatches: 25, minNumPatches: 4 },
    };
  }
  const source = shards ? (await openShards(folder)).train.source : await imageFolder(folder);
  return jpegLoader(source, batchSize);
}

/** Before that, caches are cold and code is being compiled. */
const WARM_UP_SECONDS = 2;

async function measure(options: OursOptions): Promise<LoaderRate> {
  const start = performance.now();
  const loader = createLoader({ ...(await loaderOptions(options)), workers: options.workers });
  loader.release(await loader.batch(0));
  const secondsToFirstBatch = (performance.now() - start) / 1000;
  let step = 1;
  const loadFor = async (seconds: number) => {
    const [first, start, work] = [step, performance.now(), process.cpuUsage()];
    let elapsed = 0;
    while (elapsed < seconds) {
      loader.release(await loader.batch(step++));
      elapsed = (performance.now() - start) / 1000;
    }
    const { user, system } = process.cpuUsage(work);
    const images = (step - first) * options.batchSize;
    return { imagesPerSecond: images / elapsed, imagesPerCoreSecond: images / ((user + system) / 1e6) };
  };
  await loadFor(WARM_UP_SECONDS);
  const rate = await loadFor(options.seconds);
  await loader.close();
  return { ...rate, secondsToFirstBatch };
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as OursOptions)));
