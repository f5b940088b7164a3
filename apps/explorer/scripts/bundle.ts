/** Writes what the page shows before anything is dropped on it. See `HELP`. */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emojiDataset, emojiScenes, isSkinToned } from '@beit/data';
import { loadSafetensors, saveSafetensors } from '@beit/weights';
import sharp from 'sharp';
import type { Bundle } from '../src/bundle';

const HELP = `Usage: pnpm --filter explorer bundle RUN

Takes model, tokenizer and metrics of a finished pre-training run (a folder that \`pnpm --filter pretrain start\` wrote)
into public/, in half precision, and draws pictures that the run has not seen.`;

const MODEL = 'model.safetensors';
const TOKENIZER = 'tokenizer.safetensors';
const METRICS = 'pretrain/metrics.jsonl';

const SIZE = 256;
const BACKGROUND = '#dce6f2';
const GROUPS = ['animals & nature', 'food & drink', 'objects', 'travel & places', 'activities'];
const SCENES = 3;

async function main(run: string): Promise<void> {
  const folder = join(dirname(fileURLToPath(import.meta.url)), '../public/bundle');
  const from = resolve(process.env.INIT_CWD ?? '.', run);
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'pretrain'), { recursive: true });
  await copyFile(join(from, METRICS), join(folder, METRICS));
  for (const file of [MODEL, TOKENIZER]) {
    const { tensors, metadata } = await loadSafetensors(join(from, file));
    await saveSafetensors(join(folder, file), tensors, metadata, { floats: 'F16' });
  }
  const bundle: Bundle = {
    model: MODEL,
    tokenizer: TOKENIZER,
    samples: [...(await emoji(folder)), ...(await scenes(folder))],
    runs: [METRICS],
  };
  await writeFile(join(folder, 'bundle.json'), `${JSON.stringify(bundle, null, 2)}\n`);
}

/** One of each group, from the middle of those held out. */
async function emoji(folder: string) {
  const { source, emoji } = await emojiDataset({
    split: 'heldOut',
    size: SIZE,
    select: (one) => !isSkinToned(one) && GROUPS.includes(one.group),
  });
  return Promise.all(
    GROUPS.map(async (group) => {
      const own = [...emoji.keys()].filter((index) => emoji[index]!.group === group);
      const index = own[Math.floor(own.length / 2)]!;
      const bytes = SIZE * SIZE * 4;
      const pixels = new Uint8Array(source.pixels, index * bytes, bytes);
      const file = `${emoji[index]!.id}.webp`;
      await sharp(Buffer.from(pixels), { raw: { width: SIZE, height: SIZE, channels: 4 } })
        .flatten({ background: BACKGROUND })
        .webp({ quality: 90 })
        .toFile(join(folder, file));
      return { name: emoji[index]!.name, file };
    }),
  );
}

async function scenes(folder: string) {
  const { scene } = await emojiScenes({ width: SIZE, height: SIZE });
  return Promise.all(
    Array.from({ length: SCENES }, async (_, i) => {
      const { pixels, width, height } = await scene('validation', i);
      const file = `scene-${i + 1}.webp`;
      await sharp(pixels, { raw: { width, height, channels: 3 } })
        .webp({ quality: 90 })
        .toFile(join(folder, file));
      return { name: `several things, ${i + 1}`, file };
    }),
  );
}

const [run] = process.argv.slice(2).filter((argument) => argument !== '--');
if (run === undefined || run === '--help') {
  console.log(HELP);
  process.exitCode = run === undefined ? 2 : 0;
} else await main(run);
