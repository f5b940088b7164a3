/** `cifar`: the pictures of CIFAR-10 or CIFAR-100 in a folder for each part and class, as the other apps read them. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeWhole, UsageError } from '@beit/cli';
import { CIFAR_SIDE, type CifarBatch, openCifar } from '@beit/data';
import sharp from 'sharp';

export interface CifarOptions {
  /** Where the files are; see `openCifar`. */
  readonly directory: string;
  readonly out: string;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

export interface WrittenCifar {
  readonly classes: number;
  readonly counts: Readonly<Record<CifarBatch['part'], number>>;
}

/** Both data sets. */
const IMAGES = 60_000;
/** As many as are compressed at a time. */
const TOGETHER = 64;

/**
 * Writes `train/cat/00009.png` and so on, numbered in the order of each part. The folder is there whole or not at all.
 *
 * @throws UsageError when `out` is there already; as `openCifar`; when it is interrupted
 */
export async function writeCifar({
  directory,
  out,
  signal,
  onProgress,
}: CifarOptions): Promise<WrittenCifar> {
  if (existsSync(out)) throw new UsageError(`${out} is there already. Give another --out.`);
  const { classes, batches } = await openCifar(directory);
  const counts = { train: 0, test: 0 };
  await makeWhole(out, async (partial) => {
    for (const part of ['train', 'test'])
      for (const name of classes) await mkdir(join(partial, part, name), { recursive: true });
    for await (const { part, labels, pixels } of batches()) {
      const bytes = pixels.length / labels.length;
      const write = async (i: number) => {
        const number = String(counts[part] + i).padStart(5, '0');
        const path = join(partial, part, classes[labels[i]!]!, `${number}.png`);
        await writeFile(path, await pngOf(pixels.subarray(i * bytes, (i + 1) * bytes)));
      };
      for (let i = 0; i < labels.length; i += TOGETHER) {
        signal.throwIfAborted();
        const count = Math.min(TOGETHER, labels.length - i);
        await Promise.all(Array.from({ length: count }, (_, j) => write(i + j)));
        onProgress(counts.train + counts.test + i + count, IMAGES);
      }
      counts[part] += labels.length;
    }
  });
  return { classes: classes.length, counts };
}

/** @param planes `[3, 32, 32]` */
function pngOf(planes: Uint8Array): Promise<Buffer> {
  const size = CIFAR_SIDE ** 2;
  const pixels = Uint8Array.from(
    { length: 3 * size },
    (_, at) => planes[(at % 3) * size + Math.floor(at / 3)]!,
  );
  return sharp(pixels, { raw: { width: CIFAR_SIDE, height: CIFAR_SIDE, channels: 3 } })
    .png()
    .toBuffer();
}
