/** Points, masks and figures; and the app as a user starts it, on a small model made here. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import { createVit } from '@beit/vit';
import { saveSafetensors } from '@beit/weights';
import sharp from 'sharp';
import { appProcess } from '../../../tooling/jest/appProcess';
import { ended } from '../../../tooling/jest/ended';
import { bestHead, type HeadScores } from '../src/measure';
import { middlePatch, objectPatches } from '../src/sceneObjects';

const { start } = appProcess(join(__dirname, '..'));
let folder: string;
let checkpoint: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attention-'));
  const config = { imageSize: 32, patchSize: 8, embedDim: 24, depth: 2, numHeads: 3 };
  checkpoint = join(folder, 'model.safetensors');
  const params = createVit(config).init(createRandom(0));
  await saveSafetensors(checkpoint, params, { config: JSON.stringify(config) });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a patch belongs to the object that covers at least half of it', () => {
  // 4x4 pixels, 2x2 patches of four pixels; object 2 is behind nothing, object 3 has one pixel of a patch.
  const objects = Uint8Array.of(2, 2, 0, 0, 2, 2, 2, 2, 0, 3, 0, 0, 0, 0, 0, 0);
  expect(objectPatches({ width: 4, height: 4, objects }, [2, 2]).map((own) => [...own])).toEqual([
    [1, 1, 0, 0],
  ]);
});

test('the middle of an object is one of its patches', () => {
  const ring = Uint8Array.of(1, 1, 1, 1, 0, 1, 1, 1, 1);
  const [row, column] = middlePatch(ring, [3, 3]);
  expect(ring[row * 3 + column]).toBe(1);
  expect(middlePatch(Uint8Array.of(1, 1, 1, 0, 0, 0), [2, 3])).toEqual([0, 1]);
});

test('the best head is chosen on one half of the scenes and measured on the other', () => {
  const scores = (head: number, ...aucs: number[]): HeadScores => ({
    block: 0,
    head,
    scenes: aucs.map((auc) => ({ auc, aucAtEqualDistance: Number.NaN, mass: 0.5, area: 0.2 })),
  });
  const best = bestHead([scores(0, 0.9, 0.5, 0.9, 0.7), scores(1, 0.6, 0.9, 0.6, 0.9)], 'auc');
  expect(best.head).toBe(0);
  expect(best.auc.mean).toBeCloseTo(0.6, 12);
  expect(best.auc.high - best.auc.mean).toBeCloseTo((1.96 * Math.sqrt(0.02)) / Math.SQRT2, 12);
});

test('the figure: of scenes, and of pictures at another resolution with points', async () => {
  const out = join(folder, 'scenes');
  const scenes = start('--checkpoint', checkpoint, '--out', out, '--scenes', '2');
  expect(scenes.stderr).not.toMatch(/Error/);
  expect(scenes.stdout).toMatch(/Self-attention of block 2 for [234] reference points, 4x4 patches/);
  for (const file of ['figure.svg', 'figure.png', 'figure.json'])
    expect(existsSync(join(out, file))).toBe(true);

  const photo = join(folder, 'photo.jpg');
  await sharp({ create: { width: 90, height: 60, channels: 3, background: '#3a7' } })
    .jpeg()
    .toFile(photo);
  const own = join(folder, 'own');
  const images = ['--images', photo, '--points', '1,2', '--points', '5,0', '--size', '48', '--block', '1'];
  expect(ended(start('--checkpoint', checkpoint, '--out', own, ...images))).toEqual({ status: 0 });
  const { gridSize, block, points } = JSON.parse(await readFile(join(own, 'figure.json'), 'utf8'));
  expect([gridSize, block, points.length]).toEqual([[6, 6], 1, 2]);
  expect(points[1].point).toEqual([5, 0]);
  for (const map of points[0].heads) {
    expect(map.length).toBe(36);
    const sum = map.reduce((a: number, b: number) => a + b, 0);
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(1);
  }
  const svg = await readFile(join(own, 'figure.svg'), 'utf8');
  expect(svg.match(/<image /g)?.length).toBe(2 * (3 + 3));
  expect(svg).toMatch(/photo\.jpg: row 1, column 2/);
});

test('heads are measured on scenes', async () => {
  const out = join(folder, 'measured');
  const { status, stdout } = start('measure', '--checkpoint', checkpoint, '--out', out, '--scenes', '6');
  expect(status).toBe(0);
  expect(stdout).toMatch(/block 2, mean of the heads/);
  const { heads, best } = JSON.parse(await readFile(join(out, 'objects.json'), 'utf8'));
  expect(heads.length).toBe(2 * 4);
  for (const { auc } of heads) expect(auc.mean).toBeGreaterThan(0.2);
  expect(best.byAuc.auc.mean).toBeGreaterThan(best.byAuc.auc.low);
});

test.each([
  [['draw'], /no command 'draw'. Commands: figure, measure/],
  [['--size', '30'], /--size is '30'; expected a multiple of the patch size, 8/],
  [['--block', '3'], /--block is '3'; the model has 2 blocks/],
  [['--images', 'no.jpg'], /Cannot read .*no\.jpg/],
  [['--images', 'PHOTO', '--points', '9,0'], /no patch \(9, 0\); the grid has 4x4/],
])('%j is refused', async (args, message) => {
  const photo = join(folder, 'white.png');
  await writeFile(
    photo,
    await sharp({ create: { width: 9, height: 9, channels: 3, background: '#fff' } })
      .png()
      .toBuffer(),
  );
  const { status, stderr } = start(
    ...args.map((arg) => (arg === 'PHOTO' ? photo : arg)),
    ...['--checkpoint', checkpoint, '--out', join(folder, 'refused')],
  );
  expect(status).toBe(1);
  expect(stderr).toMatch(message);
});
