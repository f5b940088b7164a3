/** Images per second of our loader, in a process of its own. Argument: `OursOptions` as JSON; prints a `LoaderRate`. */
import {
  BEIT_COLOR_JITTER,
  BEIT_CROP,
  createLoader,
  emojiDataset,
  INCEPTION_NORMALIZATION,
  imageFolder,
  type LoaderOptions,
} from '@beit/data';

export interface OursOptions {
  /** A folder of JPEG files; the embedded emoji without one. */
  readonly folder?: string;
  readonly workers: number;
  readonly batchSize: number;
  readonly seconds: number;
}

export interface LoaderRate {
  readonly imagesPerSecond: number;
  /** Per second of work of all threads together: what one core does. */
  readonly imagesPerCoreSecond: number;
  readonly versions?: Readonly<Record<string, string>>;
}

const augmentation = { crop: BEIT_CROP, colorJitter: BEIT_COLOR_JITTER, flip: 0.5 };
const normalization = INCEPTION_NORMALIZATION;

async function loaderOptions({ folder, batchSize }: OursOptions): Promise<LoaderOptions> {
  if (folder === undefined) {
    return {
      source: (await emojiDataset({ split: 'heldOut' })).source,
      batchSize,
      seed: 0,
      views: { imageSize: 64, tokenImageSize: 32, normalization, background: 'pastel', augmentation },
      masking: { kind: 'blockwise', gridSize: 8, numMaskingPatches: 25, minNumPatches: 4 },
    };
  }
  return {
    source: await imageFolder(folder),
    batchSize,
    seed: 0,
    views: { imageSize: 224, tokenImageSize: 112, normalization, background: 'white', augmentation },
    masking: { kind: 'blockwise', gridSize: 14, numMaskingPatches: 75, minNumPatches: 16 },
  };
}

/** Before that, caches are cold and code is being compiled. */
const WARM_UP_SECONDS = 2;

async function measure(options: OursOptions): Promise<LoaderRate> {
  const loader = createLoader({ ...(await loaderOptions(options)), workers: options.workers });
  let step = 0;
  const loadFor = async (seconds: number) => {
    const [first, start, work] = [step, performance.now(), process.cpuUsage()];
    let elapsed = 0;
    while (elapsed < seconds) {
      await loader.batch(step++);
      elapsed = (performance.now() - start) / 1000;
    }
    const { user, system } = process.cpuUsage(work);
    const images = (step - first) * options.batchSize;
    return { imagesPerSecond: images / elapsed, imagesPerCoreSecond: images / ((user + system) / 1e6) };
  };
  await loadFor(WARM_UP_SECONDS);
  const rate = await loadFor(options.seconds);
  await loader.close();
  return rate;
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as OursOptions)));
