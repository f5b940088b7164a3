import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readMask, segmentationFolder } from '@beit/data';
import sharp from 'sharp';
import { convertMasks, listMasks } from '../src/masks';
import { readPalette } from '../src/palette';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'masks-'));
});
afterEach(() => rm(folder, { recursive: true }));

const quiet = { update() {} };

test("SegNet's CamVid becomes a folder of classes from 0, with the part for testing", async () => {
  const from = join(folder, 'CamVid');
  const size = { width: 12, height: 1, channels: 1 } as const;
  for (const [i, part] of ['train', 'val', 'test'].entries()) {
    const [image, mask] = [join(from, part, `${i}.png`), join(from, `${part}annot`, `${i}.png`)];
    for (const path of [image, mask]) await mkdir(dirname(path), { recursive: true });
    const numbers = Uint8Array.from({ length: 12 }, (_, at) => (at + i) % 12);
    for (const path of [image, mask])
      await sharp(numbers, { raw: size }).toColourspace('b-w').png().toFile(path);
  }
  const found = await listMasks(from, quiet);
  expect(found.masks).toEqual({ training: 1, validation: 1, test: 1 });
  expect(found.values).toHaveLength(12);
  const palette = fileURLToPath(new URL('../../../docs/examples/camvid-palette.json', import.meta.url));
  const out = join(folder, 'camvid');
  await convertMasks({ directory: from, palette: await readPalette(palette), out }, quiet);
  const { classes, test } = await segmentationFolder(out);
  expect(classes).toHaveLength(11);
  expect([...test!.images.names]).toEqual(['2.png']);
  const { numbers } = await readMask(join(test!.directory, '2.png'));
  expect([...numbers]).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 255, 0, 1]);
});
