import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ImageSource, imageFolder } from '@beit/data';
import sharp from 'sharp';
import { loadHeldOut } from '../src/heldOut';
import { RECIPES } from '../src/recipes';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'held-out-'));
  for (let i = 0; i < 70; i++) {
    const create = { width: 8, height: 8, channels: 3, background: { r: i, g: 0, b: 0 } } as const;
    await sharp({ create })
      .png()
      .toFile(join(folder, `${String(i).padStart(2, '0')}.png`));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const emoji = RECIPES.find(({ name }) => name === 'emoji')!;
const recipe = {
  ...emoji,
  views: { ...emoji.views, tokenImageSize: 8 },
  mim: {
    ...emoji.mim,
    model: { ...emoji.mim.model, imageSize: 8, patchSize: 4 },
    masking: { kind: 'random', gridSize: 2, numMaskingPatches: 2 } as const,
  },
};
const all = async (): Promise<ImageSource> => imageFolder(folder);
const without = async (...left: string[]): Promise<ImageSource> => {
  const source = await imageFolder(folder);
  return { ...source, names: [...source.names].filter((name) => !left.includes(name)) };
};

test('images that cannot be read are named and left out, as if they were not there', async () => {
  const broken = ['03.png', '66.png'];
  for (const name of broken) writeFileSync(join(folder, name), 'no picture');
  const { unreadable, ...heldOut } = await loadHeldOut(recipe, await all());
  expect(unreadable.map(({ name }) => name)).toEqual(broken);
  expect(unreadable[0]!.reason).toMatch(/unsupported image format/);
  const { unreadable: none, ...expected } = await loadHeldOut(recipe, await without(...broken));
  expect(none).toEqual([]);
  expect(heldOut).toEqual(expected);
  expect(heldOut.count).toBe(68);
});
