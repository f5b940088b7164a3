/** Points, masks and figures; and the app as a user starts it, on a small model made here. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import type { Picture } from '@beit/report';
import { createVit, resizeParams } from '@beit/vit';
import { centerFraming, saveSafetensors } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { appProcess } from '../../../tooling/jest/appProcess';
import { ended } from '../../../tooling/jest/ended';
import { openAttention } from '../src/attentionModel';
import { bestHead, type HeadScores } from '../src/measure';
import { readPicture, wholeFraming } from '../src/pictures';
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
  const { block, points } = JSON.parse(await readFile(join(own, 'figure.json'), 'utf8'));
  expect([block, points.length]).toEqual([1, 2]);
  expect(points[1]).toMatchObject({ size: 48, gridSize: [6, 6], point: [5, 0] });
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

/** Green, with a red column at its left edge and a blue one at its right. */
async function stripes(path: string, width: number, height: number): Promise<string> {
  const [red, green, blue] = [
    [255, 0, 0],
    [0, 128, 0],
    [0, 0, 255],
  ] as const;
  const columns = Array.from({ length: width }, (_, x) => (x === 0 ? red : x === width - 1 ? blue : green));
  const data = Buffer.from(Array.from({ length: height }, () => columns.flat()).flat());
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path);
  return path;
}

test('the figure of whole pictures: in their own proportions, nothing of them is cut off', async () => {
  const wide = await stripes(join(folder, 'wide.png'), 90, 60);
  const tall = await stripes(join(folder, 'tall.png'), 60, 100);
  const out = join(folder, 'whole');
  const images = ['--images', wide, '--images', tall, '--images', wide];
  const { stdout, status } = start('--checkpoint', checkpoint, '--out', out, '--whole', ...images);
  expect(status).toBe(0);
  expect(stdout).toMatch(/for 3 reference points, 4x6 and 7x4 patches/);
  const { points } = JSON.parse(await readFile(join(out, 'figure.json'), 'utf8'));
  expect(points[0]).toMatchObject({ name: 'wide.png', size: [32, 48], gridSize: [4, 6], point: [2, 3] });
  expect(points[1]).toMatchObject({ name: 'tall.png', size: [56, 32], gridSize: [7, 4], point: [3, 2] });
  expect(points[2]).toEqual(points[0]);
  for (const { heads, mean, kept, gridSize } of points)
    for (const map of [...heads, mean, kept]) expect(map.length).toBe(gridSize[0] * gridSize[1]);

  // Rows as wide as the first picture, 4 * 48 pixels, and as high as each is in its proportions.
  const svg = await readFile(join(out, 'figure.svg'), 'utf8');
  const sizes = [...svg.matchAll(/<image [^>]*width="(\d+)" height="(\d+)"/g)].map(([, w, h]) => `${w}x${h}`);
  expect(sizes).toEqual(['192x128', '192x336', '192x128'].flatMap((size) => Array(6).fill(size)));
  const { width, height } = await sharp(join(out, 'figure.png')).metadata();
  expect([width, height]).toEqual([6 + 6 * (192 + 6), 6 + (128 + 6) + (336 + 6) + (128 + 6)]);
});

test('pictures of a given height and width', async () => {
  const out = join(folder, 'sized');
  const photo = await stripes(join(folder, 'photo.png'), 60, 60);
  const own = ['--images', photo, '--size', '24,48', '--points', '2,5'];
  expect(ended(start('--checkpoint', checkpoint, '--out', out, ...own))).toEqual({ status: 0 });
  const { points } = JSON.parse(await readFile(join(out, 'figure.json'), 'utf8'));
  expect(points[0]).toMatchObject({ size: [24, 48], gridSize: [3, 6], point: [2, 5] });
});

test('a whole picture has its edges, in place; one that is cut has lost them', async () => {
  const path = await stripes(join(folder, 'edges.png'), 90, 60);
  const framing = centerFraming({ imageSize: 60, cropShare: 1, filter: 'nearest' });
  const edges = ({ width, data }: Picture) => [data.slice(0, 3), data.slice(3 * (width - 1), 3 * width)];
  const whole = await readPicture(
    path,
    (file) => wholeFraming(file, { shorter: 60, patchSize: 10 }, framing),
    3,
  );
  expect([whole.height, whole.width]).toEqual([60, 90]);
  expect(edges(whole)).toEqual([Float32Array.of(1, 0, 0), Float32Array.of(0, 0, 1)]);
  const [left, right] = edges(await readPicture(path, () => framing, 3));
  expect(left).toEqual(right);
  const gray = await readPicture(path, () => framing, 1);
  expect(new Set(gray.data).size).toBe(1);
});

test('the longer side is rounded to whole patches', () => {
  const framing = centerFraming({ imageSize: 224, cropShare: 0.9, filter: 'bilinear' });
  const of = (width: number, height: number) =>
    wholeFraming({ width, height }, { shorter: 224, patchSize: 16 }, framing).resize;
  expect(of(480, 360)).toEqual({ to: { height: 224, width: 304 }, filter: 'bilinear' });
  expect(of(360, 480)).toEqual({ to: { height: 304, width: 224 }, filter: 'bilinear' });
  expect(of(224, 225)).toEqual({ to: { height: 224, width: 224 }, filter: 'bilinear' });
});

test('the attention of a wide picture is that of the ViT at its size, on TensorFlow.js', async () => {
  const config = {
    imageSize: 32,
    patchSize: 8,
    embedDim: 12,
    depth: 2,
    numHeads: 2,
    useSharedRelPosBias: true,
  };
  const random = createRandom('wide');
  const tensors = Object.fromEntries(
    Object.entries(createVit(config).init(random)).map(([name, tensor]) => [
      name,
      { ...tensor, data: tensor.data.map((x) => x + 0.3 * random.normal()) },
    ]),
  );
  const size = [24, 56] as const;
  const [height, width] = size;
  const image = {
    ...{ height, width },
    data: Float32Array.from({ length: height * width * 3 }, () => random.uniform()),
  };
  const pretrained = { path: '', tensors, config, notes: [] };
  const model = await openAttention(pretrained, size, { engine: 'onnxruntime', precision: 'fp32' });
  expect(model.gridSize).toEqual([3, 7]);
  const layers = await model.attention(image);
  await model.dispose();

  const vit = createVit({ ...config, imageSize: size });
  const resized = resizeParams(tensors, config, vit.config);
  const params = Object.fromEntries(
    Object.entries(resized).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
  );
  const pixels = tf.tensor(
    image.data.map((x) => (x - 0.5) / 0.5),
    [1, height, width, 3],
  );
  const { attention } = vit.encode(params, vit.embedPatches(params, pixels), { withAttention: true });
  expect(layers.map(({ shape }) => shape)).toEqual(Array(2).fill([2, 22, 22]));
  for (const [block, layer] of layers.entries()) {
    const expected = attention[block]!.dataSync();
    expected.forEach((value, i) => {
      expect(layer.data[i]).toBeCloseTo(value, 5);
    });
  }
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
  [['--size', '30'], /--size is '30'; expected multiples of the patch size, 8/],
  [['--size', '32,30'], /--size is '32,30'; expected multiples of the patch size, 8/],
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
