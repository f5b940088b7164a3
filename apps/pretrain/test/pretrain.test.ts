/** The app as a user starts it, on a small folder of pictures made here. */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import { loadSafetensors } from '@beit/weights';
import sharp from 'sharp';
import { violationsOfFile } from '../../../tooling/browser/accessibility';
import { appProcess } from '../../../tooling/jest/appProcess';
import { ended } from '../../../tooling/jest/ended';
import { expectContinues } from '../../../tooling/jest/expectContinues';
import { expectSameLosses } from '../../../tooling/jest/expectSameLosses';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';

const app = appProcess(join(__dirname, '..'));
const { start, killAfterCheckpoint } = app;
const PICTURES = 80;

let folder: string;
let pictures: string;

/** The default recipe with less in its models. */
const NARROW = {
  extends: 'emoji',
  tokenizer: { model: { vocabSize: 64, hiddenDim: 8, decoderInitDim: 8 } },
  mim: { model: { embedDim: 32, depth: 2 } },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pretrain-'));
  await writeFile(join(folder, 'narrow.json'), JSON.stringify(NARROW));
  pictures = join(folder, 'pictures');
  await mkdir(join(pictures, 'squares'), { recursive: true });
  for (let i = 0; i < PICTURES; i++) {
    const random = createRandom('picture', i);
    const color = () => ({ r: random.integer(0, 255), g: random.integer(0, 255), b: random.integer(0, 255) });
    const square = await sharp({ create: { width: 30, height: 20, channels: 3, background: color() } })
      .png()
      .toBuffer();
    await sharp({ create: { width: 72, height: 64, channels: 3, background: color() } })
      .composite([{ input: square, left: random.integer(0, 42), top: random.integer(0, 44) }])
      .png()
      .toFile(join(pictures, 'squares', `${i}.png`));
  }
  await writeFile(join(pictures, 'squares', 'broken.png'), 'no picture');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const small = (out: string) => [
  '--recipe',
  join(folder, 'narrow.json'),
  '--data',
  pictures,
  '--out',
  join(folder, out),
  '--batch-size',
  '16',
  '--epochs',
  '4,5',
  '--seed',
  '3',
];

async function killedAfterCheckpoint(out: string, args: readonly string[]): Promise<void> {
  await killAfterCheckpoint(join(folder, out, 'pretrain/checkpoints'), args);
  expect(existsSync(join(folder, out, 'model.safetensors'))).toBe(false);
}
const bytes = (run: string, file: string) => readFile(join(folder, run, file));

whereInstalled('TensorFlow', () => {
  test('both stages on TensorFlow', () => {
    const { status, stdout, stderr } = start(
      ...small('tensorflow'),
      '--engine',
      'tensorflow',
      '--epochs',
      '1,1',
    );
    expect(stderr).not.toMatch(/Error/);
    expect(stdout).toMatch(/Masked-token accuracy, all patches/);
    expect(status).toBe(0);
  });
});

test('a run writes model, metrics, checkpoints and a report; one killed in stage 2 continues bit for bit', async () => {
  const whole = start(...small('whole'));
  expect(whole.stderr).not.toMatch(/Error/);
  expect(whole.stdout).toMatch(/Masked-token accuracy, all patches/);
  expect(ended(whole)).toEqual({ status: 0 });
  const out = join(folder, 'whole');
  const report = await readFile(join(out, 'report.html'), 'utf8');
  expect(report).toMatch(/Masked-token accuracy/);
  expect(report).not.toMatch(/NaN|undefined/);
  expect(JSON.parse(await readFile(join(out, 'unreadable.json'), 'utf8'))[0].name).toBe('squares/broken.png');
  expect(existsSync(join(out, 'examples.png'))).toBe(true);
  expect(report).toMatch(/<h2[^>]*>Files<[\s\S]*squares\/broken\.png/);

  await killedAfterCheckpoint('killed', small('killed'));

  expectContinues(app, join(folder, 'killed'), {
    options: ['--epochs', '9', '--data', '/elsewhere'],
    refused: /--data: ".*pictures" in the run, "\/elsewhere" now\n.*tokenizer.epochs: 4 in the run, 9 now/,
  });
  for (const file of ['tokenizer.safetensors', 'model.safetensors']) {
    expect((await bytes('killed', file)).equals(await bytes('whole', file))).toBe(true);
  }

  const taken = start(
    '--recipe',
    join(folder, 'narrow.json'),
    '--data',
    pictures,
    '--tokenizer',
    join(out, 'tokenizer.safetensors'),
    '--out',
    join(folder, 'random'),
    '--masking',
    'random',
    '--batch-size',
    '16',
    '--epochs',
    '1',
  );
  expect(ended(taken)).toEqual({ status: 0 });
  expect(existsSync(join(folder, 'random/tokenizer/checkpoints'))).toBe(false);
}, 600_000);

whereInstalled('Chromium', () => {
  test('the report of that run is accessible', async () => {
    expect(await violationsOfFile(join(folder, 'whole', 'report.html'))).toEqual([]);
  });
});

whereInstalled('XLA', () => {
  test('both stages, evaluation and report on XLA are what onnxruntime gives; one killed continues bit for bit', async () => {
    const on = (engine: string, out: string) => [...small(out), '--engine', engine, '--epochs', '2,3'];
    for (const engine of ['xla', 'onnxruntime']) {
      const result = start(...on(engine, engine));
      const { stdout, stderr } = result;
      expect(ended(result)).toEqual({ status: 0 });
      expect(stderr).toMatch(`tokenizer: ${engine}, fp32`);
      expect(stderr).toMatch(`pretraining: ${engine}, fp32`);
      expect(stderr).not.toMatch(/Error/);
      expect(stdout).toMatch(/Masked-token accuracy, all patches/);
    }
    for (const stage of ['tokenizer', 'pretrain'])
      await expectSameLosses(join(folder, 'xla', stage), join(folder, 'onnxruntime', stage));
    const report = await readFile(join(folder, 'xla/report.html'), 'utf8');
    expect(report).toMatch(/Masked-token accuracy/);
    expect(report).not.toMatch(/NaN|undefined/);

    await killedAfterCheckpoint('xla-killed', on('xla', 'xla-killed'));
    const again = start(...on('xla', 'xla-killed'), '--resume');
    expect(again.stderr).toMatch(/continuing at step/);
    expect(ended(again)).toEqual({ status: 0 });
    for (const file of ['tokenizer.safetensors', 'model.safetensors'])
      expect((await bytes('xla-killed', file)).equals(await bytes('xla', file))).toBe(true);
  }, 600_000);

  test('a dry run says what a program takes of the device', () => {
    const { stdout } = start(...small('dry'), '--dry-run', '--engine', 'xla');
    expect(stdout).toMatch(/device memory +\d+\.\d\d GiB at most, of which 0\.00 GiB state/);
  });
});

test('pixels from a recipe file, without a tokenizer; its recipe.json repeats it, killed and continued, bit for bit', async () => {
  const mine = join(folder, 'mine.json');
  const model = { embedDim: 32, depth: 2 };
  await writeFile(
    mine,
    JSON.stringify({
      extends: 'emoji',
      mim: { target: 'pixels', model, epochs: 5, batchSize: 16, microBatchSize: 16 },
    }),
  );
  const data = ['--data', pictures];
  const whole = start('--recipe', mine, ...data, '--out', join(folder, 'pixels'));
  expect(whole.stderr).not.toMatch(/Error/);
  expect(whole.stdout).toMatch(/Masked pixels, PSNR, all patches +[\d.]+ dB +[\d.]+ dB/);
  expect(ended(whole)).toEqual({ status: 0 });
  const out = join(folder, 'pixels');
  expect(readdirSync(out)).not.toContain('tokenizer.safetensors');
  const report = await readFile(join(out, 'report.html'), 'utf8');
  expect(report).toMatch(/Regression of masked pixels/);
  expect(report).not.toMatch(/NaN|undefined|codebook|evidence lower bound/i);
  const { tensors, metadata } = await loadSafetensors(join(out, 'model.safetensors'));
  expect(JSON.parse(metadata.config!)).toMatchObject({ imageSize: 64, patchSize: 8, ...model });
  expect(tensors['blocks.1.attn.qkv.weight']!.shape).toEqual([96, 32]);
  expect(tensors['pixel_head.weight']!.shape).toEqual([192, 32]);

  const again = ['--recipe', join(out, 'recipe.json'), ...data, '--out', join(folder, 'pixels-again')];
  await killedAfterCheckpoint('pixels-again', again);
  const resumed = start(...again, '--resume');
  expect(resumed.stderr).toMatch(/continuing at step/);
  expect(ended(resumed)).toEqual({ status: 0 });
  expect(
    (await bytes('pixels-again', 'model.safetensors')).equals(await bytes('pixels', 'model.safetensors')),
  ).toBe(true);
}, 600_000);

test('pictures that are no squares, and gray, through both stages', async () => {
  const recipe = join(folder, 'wide.json');
  const wide = {
    ...NARROW,
    views: { tokenImageSize: [16, 32], normalization: { mean: [0.5], std: [0.5] } },
    mim: {
      model: { ...NARROW.mim.model, imageSize: [32, 64], inChannels: 1 },
      masking: { kind: 'blockwise', gridSize: [4, 8], numMaskingPatches: 13, minNumPatches: 4 },
    },
  };
  await writeFile(recipe, JSON.stringify({ ...NARROW, ...wide, extends: 'emoji' }));
  const run = start(...small('wide'), '--recipe', recipe, '--epochs', '1,2');
  expect(ended(run)).toEqual({ status: 0 });
  expect(run.stdout).toMatch(/Masked-token accuracy, all patches/);
  const { tensors, metadata } = await loadSafetensors(join(folder, 'wide/model.safetensors'));
  expect(tensors['patch_embed.proj.weight']!.shape).toEqual([32, 1, 8, 8]);
  expect(tensors.pos_embed!.shape).toEqual([1, 4 * 8 + 1, 32]);
  expect(JSON.parse(metadata.config!)).toMatchObject({ imageSize: [32, 64], inChannels: 1 });
  expect(await readFile(join(folder, 'wide/report.html'), 'utf8')).not.toMatch(/NaN|undefined/);
});

test('a dry run says what would be done', () => {
  const { stdout, status } = start(...small('dry'), '--dry-run');
  expect(status).toBe(0);
  expect(existsSync(join(folder, 'dry'))).toBe(false);
  // One of 81 is held out.
  expect(stdout).toMatch(/80 images/);
  expect(stdout).toMatch(/parameters +0\.04 M/);
  expect(stdout).toMatch(/estimated time/);
});

test.each([
  [['--device', 'tpu'], /tpu/i],
  [['--tokenizer', '/nowhere'], /Cannot read \/nowhere/],
  [['--batch-size', '96'], /There are 80 images to train on, fewer than one batch of 96/],
])('what a run would refuse, its dry run refuses before it says anything: %j', (args, message) => {
  const { stdout, stderr, status } = start(...small('dry'), '--dry-run', ...args);
  expect([stdout, status]).toEqual(['', 1]);
  expect(stderr).toMatch(message);
});

test.each([
  [['--help'], 0, /--recipe NAME/],
  [['--recipe', 'vgg'], 1, /no recipe 'vgg'. Recipes: emoji, cifar10, beit-base-imagenet1k/],
  [['--data', '/nowhere', '--out', 'OUT'], 1, /There is no folder '\/nowhere'/],
])('%j', (args, status, text) => {
  const result = start(...args.map((argument) => (argument === 'OUT' ? join(folder, 'nowhere') : argument)));
  expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  expect(result.stdout + result.stderr).toMatch(text);
  expect(result.status).toBe(status);
});
