/** Images per second to a device, in a process of its own. Argument: `InputOptions` as JSON; prints an `InputRate`. */
import { type CompileOptions, compileForward } from '@beit/compile';
import { type Batch, createLoader, imageFolder } from '@beit/data';
import * as tf from '@tensorflow/tfjs';
import { jpegLoader } from '../data/jpegLoader';

export interface InputOptions {
  /** Of JPEG files. */
  readonly folder: string;
  /** Batches of the loader, one batch again and again to the device, or the loader's to the device. */
  readonly what: 'load' | 'copy' | 'load and copy';
  readonly workers: number;
  readonly batchSize: number;
  readonly seconds: number;
  readonly engine: Pick<CompileOptions, 'device' | 'devices'>;
}

export interface InputRate {
  readonly imagesPerSecond: number;
  /** Per second of work of all threads together: what one core does. */
  readonly imagesPerCoreSecond: number;
  readonly bytesPerImage: number;
}

/** Before that, caches are cold and code is being compiled. */
const WARM_UP_SECONDS = 2;

/** What a pre-training step and its tokenizer get of a batch. */
const inputsOf = ({ images, tokenImages, masked: { positions, weights } }: Batch) => ({
  images,
  tokenImages,
  positions,
  weights,
});
type Inputs = Record<keyof ReturnType<typeof inputsOf>, tf.Tensor>;

async function measure({
  folder,
  what,
  workers,
  batchSize,
  seconds,
  engine,
}: InputOptions): Promise<InputRate> {
  const loader = createLoader({ ...jpegLoader(await imageFolder(folder), batchSize), workers });
  const example = await loader.batch(0);
  const own = what === 'copy' ? structuredClone(inputsOf(example)) : undefined;
  const sizes = Object.values(inputsOf(example)).map(({ data }) => data.byteLength);
  // It takes all of its inputs, and hardly computes.
  const program = await compileForward(
    (_: object, { images }: Inputs) => ({ first: tf.slice(images, [0, 0, 0, 0], [1, 1, 1, 1]) }),
    { params: {}, inputs: inputsOf(example) },
    { engine: 'xla', ...engine },
  );
  loader.release(example);

  let step = 1;
  let running: Promise<unknown> = Promise.resolve();
  async function next(): Promise<void> {
    if (what === 'load') return loader.release(await loader.batch(step++));
    const batch = own ? undefined : await loader.batch(step);
    step += 1;
    const inputs = own ? { ...own } : inputsOf(batch!);
    program.send(inputs);
    if (batch) loader.release(batch);
    await running;
    running = program.run(inputs);
  }
  async function during(seconds: number) {
    const [first, start, work] = [step, performance.now(), process.cpuUsage()];
    let elapsed = 0;
    while (elapsed < seconds) {
      await next();
      elapsed = (performance.now() - start) / 1000;
    }
    await running;
    const { user, system } = process.cpuUsage(work);
    const images = (step - first) * batchSize;
    return { imagesPerSecond: images / elapsed, imagesPerCoreSecond: images / ((user + system) / 1e6) };
  }
  await during(WARM_UP_SECONDS);
  const rate = await during(seconds);
  await loader.close();
  await program.dispose();
  return { ...rate, bytesPerImage: sizes.reduce((sum, size) => sum + size, 0) / batchSize };
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as InputOptions)));
