/** The app as a user starts it, on a small folder of pictures made here. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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

let folder: string;
let pictures: string;

/** Pictures that are told apart by what stands on a random colour: a square, a bar that lies, or one that stands. */
const SHAPES = { squares: [26, 26], lying: [48, 12], standing: [12, 48] } as const;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'classify-'));
  pictures = join(folder, 'pictures');
  for (const [name, [width, height]] of Object.entries(SHAPES)) {
    await mkdir(join(pictures, name), { recursive: true });
    for (let i = 0; i < (name === 'squares' ? 40 : 30); i++) {
      const random = createRandom('picture', name, i);
      const color = (from: number) => ({
        r: random.integer(from, from + 90),
        g: random.integer(from, from + 90),
        b: random.integer(from, from + 90),
      });
      const shape = await sharp({ create: { width, height, channels: 3, background: color(160) } })
        .png()
        .toBuffer();
      await sharp({ create: { width: 64, height: 64, channels: 3, background: color(0) } })
        .composite([
          { input: shape, left: random.integer(0, 64 - width), top: random.integer(0, 64 - height) },
        ])
        .png()
        .toFile(join(pictures, name, `${i}.png`));
    }
  }
  await writeFile(join(pictures, 'lying', 'broken.png'), 'no picture');
  await writeFile(join(pictures, 'lying', 'phone.heic'), 'no picture here');
  await mkdir(join(pictures, '.ipynb_checkpoints'));
  await writeFile(join(pictures, '.ipynb_checkpoints', '0.png'), 'no picture');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const small = (out: string, ...more: string[]) => [
  ...['--data', pictures, '--scratch', '--out', join(folder, out)],
  ...['--batch-size', '16', '--epochs', '3', '--seed', '3', ...more],
];

test('a run trains, measures and reports; one killed on the way continues bit for bit; its model predicts', async () => {
  const whole = start(...small('whole'));
  expect(whole.stderr).toMatch(/81 images of 3 classes to train on, 20 to validate. From 24 \(/);
  expect(whole.stderr).not.toMatch(/Error/);
  expect(whole.stdout).toMatch(/Top-1 accuracy +\d+\.\d %/);
  expect(ended(whole)).toEqual({ status: 0 });
  const out = join(folder, 'whole');
  const report = await readFile(join(out, 'report.html'), 'utf8');
  expect(report).toMatch(/Confusion matrix/);
  expect(report).not.toMatch(/NaN|undefined/);
  const results = JSON.parse(await readFile(join(out, 'results.json'), 'utf8'));
  const counted = results.confusion.flat().reduce((a: number, b: number) => a + b, 0);
  // The one that is no picture is in one of the two parts.
  expect([19, 20]).toContain(counted);
  expect(results.images).toEqual({ train: 81, validation: counted, unreadable: 1 });
  expect(whole.stderr).toMatch(/1 file could not be read, such as lying\/broken\.png \(/);
  expect(whole.stderr).toMatch(
    /1 file was passed over for the ending of the name: 1 \.heic\. Pictures in \.heic are/,
  );
  expect(report).toMatch(/<h2[^>]*>Files<[\s\S]*lying\/broken\.png/);
  expect(JSON.parse(await readFile(join(out, 'unreadable.json'), 'utf8'))[0].name).toBe('lying/broken.png');

  await killAfterCheckpoint(join(folder, 'killed/checkpoints'), small('killed'));
  expect(existsSync(join(folder, 'killed/model.safetensors'))).toBe(false);
  expectContinues(app, join(folder, 'killed'), {
    options: ['--epochs', '20', '--checkpoint', pictures],
    refused: /--checkpoint: not given in the run, ".*pictures" now\n +epochs: 3 in the run, 20 now/,
  });
  for (const file of ['model.safetensors', 'model-best.safetensors']) {
    const bytes = (run: string) => readFile(join(folder, run, file));
    expect((await bytes('killed')).equals(await bytes('whole'))).toBe(true);
  }

  const { metadata } = await loadSafetensors(join(out, 'model.safetensors'));
  expect(JSON.parse(metadata.classes!)).toEqual(['lying', 'squares', 'standing']);

  const evaluated = start(
    'evaluate',
    '--part',
    'val',
    '--model',
    out,
    '--data',
    pictures,
    '--seed',
    '3',
    '--out',
    join(folder, 'e'),
  );
  expect(ended(evaluated)).toEqual({ status: 0 });
  const repeated = JSON.parse(await readFile(join(folder, 'e/results.json'), 'utf8'));
  expect(repeated.top1).toBe(results.top1);
  const all = start('evaluate', '--model', out, '--data', pictures, '--out', join(folder, 'all'));
  expect(all.stdout).toMatch(/^\non all images/);
  const everything = JSON.parse(await readFile(join(folder, 'all/results.json'), 'utf8'));
  expect(everything.images).toEqual({ measuredOn: 'all images', measured: 100, unreadable: 1 });
  expect((await readFile(join(folder, 'e/predictions.csv'), 'utf8')).split('\n')).toHaveLength(counted + 2);

  const predicted = start('predict', '--model', out, join(pictures, 'squares/0.png'), '--top', '2');
  expect(predicted.stdout).toMatch(/squares\/0\.png\n +\d+\.\d % {2}\w+\n +\d+\.\d % {2}\w+\n$/);
  const answers = join(folder, 'answers');
  const many = start('predict', '--model', out, pictures, '--top', '1', '--out', answers);
  expect(many.status).toBe(1);
  expect(many.stderr).toMatch(/Cannot read .*lying\/broken\.png: /);
  const answered = JSON.parse(await readFile(join(answers, 'predictions.json'), 'utf8'));
  expect(answered).toHaveLength(101);
  const right = answered.filter(
    ({ image, classes }: { image: string; classes?: { name: string }[] }) =>
      classes && image.startsWith(`${classes[0]!.name}/`),
  );
  // Of all images 'evaluate' finds the same share.
  expect(right.length / 100).toBeCloseTo(everything.top1, 6);
  expect(await readFile(join(answers, 'predictions.csv'), 'utf8')).toMatch(
    /^image,rank,class,probability,error\nlying\/0\.png,1,\w+,0\.\d+,\n/,
  );
  const feature = start(
    ...['features', '--checkpoint', out, '--out', join(folder, 'f.safetensors'), join(pictures, 'squares')],
  );
  expect(feature.stdout).toMatch(/pooled features, \[40, \d+\]/);
  expect((await loadSafetensors(join(folder, 'f.safetensors'))).tensors.features!.shape[0]).toBe(40);
  const exported = join(folder, 'exported');
  const files = start('export', '--model', out, '--out', exported);
  expect(files.stdout).toMatch(/onnx\/model\.onnx/);
  // The folder is a model again.
  const fromExport = start('predict', '--model', exported, join(pictures, 'squares/0.png'), '--top', '2');
  expect(fromExport.stdout).toBe(predicted.stdout);

  const broken = start('predict', '--model', out, join(pictures, 'lying/broken.png'));
  expect(broken.status).toBe(1);
  expect(broken.stderr).toMatch(/broken\.png/);

  const probed = start('probe', '--checkpoint', out, '--data', pictures);
  expect(probed.stdout).toMatch(/block +20 nearest +linear\n(\d +\d+\.\d % +\d+\.\d %\n){4}$/);

  const onTop = start(
    ...['--data', pictures, '--checkpoint', out, '--out', join(folder, 'on-top'), '--label-share', '0.5'],
    ...['--batch-size', '8', '--epochs', '1'],
  );
  expect(onTop.stderr).toMatch(/Starting from .*whole\./);
  expect(ended(onTop)).toEqual({ status: 0 });

  // As if it had been killed, and its checkpoint trained anew in the meantime.
  await rm(join(folder, 'on-top/results.json'));
  await copyFile(join(folder, 'on-top/model.safetensors'), join(out, 'model.safetensors'));
  const swapped = start('--resume', '--out', join(folder, 'on-top'));
  expect(swapped.stderr).toMatch(/The checkpoint .*whole changed since the run was begun\. Put back/);
  expect(swapped.status).toBe(1);
}, 480_000);

whereInstalled('XLA', () => {
  test('training, evaluation, report and prediction on XLA are what onnxruntime gives; one killed continues bit for bit', async () => {
    const on = (engine: string, out: string) => small(out, '--engine', engine);
    for (const engine of ['xla', 'onnxruntime']) {
      const result = start(...on(engine, engine));
      const { stderr } = result;
      expect(ended(result)).toEqual({ status: 0 });
      expect(stderr).toMatch(`fine-tuning: ${engine}, fp32`);
      expect(stderr).not.toMatch(/Error/);
    }
    await expectSameLosses(join(folder, 'xla'), join(folder, 'onnxruntime'));
    const report = await readFile(join(folder, 'xla/report.html'), 'utf8');
    expect(report).toMatch(/Confusion matrix/);
    expect(report).not.toMatch(/NaN|undefined/);

    await killAfterCheckpoint(join(folder, 'xla-killed/checkpoints'), on('xla', 'xla-killed'));
    expect(ended(start(...on('xla', 'xla-killed'), '--resume'))).toEqual({ status: 0 });
    const model = (run: string) => readFile(join(folder, run, 'model.safetensors'));
    expect((await model('xla-killed')).equals(await model('xla'))).toBe(true);

    const predict = (engine: string) =>
      start('predict', '--model', join(folder, 'xla'), '--engine', engine, join(pictures, 'squares/0.png'));
    expect(predict('xla').stdout).toMatch(/squares\/0\.png\n +\d+\.\d % {2}\w+\n/);
    expect(predict('xla').stdout).toBe(predict('onnxruntime').stdout);
  }, 480_000);
});

test('pictures that are no squares, and gray: trained, measured, predicted, and begun with for squares', async () => {
  const recipe = join(folder, 'gray.json');
  const gray = {
    extends: 'emoji',
    model: { inChannels: 1, embedDim: 32, depth: 2, numHeads: 2 },
    views: { normalization: { mean: [0.5], std: [0.5] } },
  };
  await writeFile(recipe, JSON.stringify(gray));
  const wide = start(...small('wide', '--recipe', recipe, '--epochs', '1', '--image-size', '32,64'));
  expect(ended(wide)).toEqual({ status: 0 });
  const model = join(folder, 'wide');
  const { tensors, metadata } = await loadSafetensors(join(model, 'model.safetensors'));
  expect(tensors['patch_embed.proj.weight']!.shape).toEqual([32, 1, 8, 8]);
  expect(tensors.pos_embed!.shape).toEqual([1, 4 * 8 + 1, 32]);
  expect(JSON.parse(metadata.config!)).toMatchObject({ imageSize: [32, 64], inChannels: 1 });
  const results = JSON.parse(await readFile(join(model, 'results.json'), 'utf8'));
  const evaluated = ['evaluate', '--model', model, '--data', pictures, '--part', 'val', '--seed', '3'];
  expect(ended(start(...evaluated, '--out', join(folder, 'wide-again')))).toEqual({ status: 0 });
  expect(JSON.parse(await readFile(join(folder, 'wide-again/results.json'), 'utf8')).top1).toBe(results.top1);
  const predicted = start('predict', '--model', model, join(pictures, 'squares/0.png'));
  expect(predicted.stderr).toMatch(/resized to cover 64x32 \(bicubic\), 64x32 of the middle/);
  expect(ended(predicted)).toEqual({ status: 0 });

  const [, , , ...begin] = small('square', '--recipe', recipe, '--epochs', '1', '--image-size', '64');
  const square = start('--data', pictures, '--checkpoint', model, ...begin);
  expect(ended(square)).toEqual({ status: 0 });
  const { tensors: resized } = await loadSafetensors(join(folder, 'square/model.safetensors'));
  expect(resized.pos_embed!.shape).toEqual([1, 8 * 8 + 1, 32]);
  const inColors = start('--data', pictures, '--checkpoint', model, '--out', join(folder, 'colors'));
  expect(inColors.stderr).toMatch(/The checkpoint is of gray pictures, and the recipe of pictures in colors/);
});

test('what fails before the first step leaves no run, and a later attempt needs no --resume', async () => {
  const unreadable = join(folder, 'unreadable');
  for (const name of ['cat', 'dog']) {
    await mkdir(join(unreadable, name), { recursive: true });
    for (let i = 0; i < 8; i++) await writeFile(join(unreadable, name, `${i}.png`), 'no picture');
  }
  const out = ['--scratch', '--batch-size', '4', '--epochs', '1', '--out', join(folder, 'failed')];
  const failed = start('--data', unreadable, ...out);
  expect(failed.status).toBe(1);
  expect(failed.stderr).not.toMatch(/holds a run/);
  expect(existsSync(join(folder, 'failed/recipe.json'))).toBe(false);
  expect(start('--resume', '--out', join(folder, 'failed')).stderr).toMatch(/There is no run to continue in/);
  expect(ended(start('--data', pictures, ...out))).toEqual({ status: 0 });
});

whereInstalled('Chromium', () => {
  test('the report of that run is accessible', async () => {
    expect(await violationsOfFile(join(folder, 'whole', 'report.html'))).toEqual([]);
  });
});

test('a dry run says what would be done, layer by layer', () => {
  const { stdout, status } = start('--dry-run');
  expect(status).toBe(0);
  expect(stdout).toMatch(/images of 40 classes/);
  expect(stdout).toMatch(/patches, positions +\d\.\d{3}e-\d/);
  expect(stdout).toMatch(/norm, head +\d\.\d{3}e-\d/);
  expect(stdout).toMatch(/estimated time/);
});

test.each([
  [['--device', 'tpu'], /tpu/i],
  [['--checkpoint', '/nowhere'], /Cannot read \/nowhere/],
  [['--batch-size', '4096'], /fewer than one batch of 4096/],
])('what a run would refuse, its dry run refuses before it says anything: %j', (args, message) => {
  const { stdout, stderr, status } = start('--dry-run', ...args);
  expect([stdout, status]).toEqual(['', 1]);
  expect(stderr).toMatch(message);
});

test.each([
  [['--help'], 0, /--checkpoint PATH/],
  [['--recipe', 'vgg'], 1, /no recipe 'vgg'.*\nMore: --help/],
  [['--checkpoint', '/nowhere', '--out', 'OUT'], 1, /Cannot read \/nowhere: ENOENT/],
  [['--data', '/nowhere', '--out', 'OUT'], 1, /There is no folder '\/nowhere'/],
])('%j', (args, status, text) => {
  const result = start(...args.map((argument) => (argument === 'OUT' ? join(folder, 'nowhere') : argument)));
  expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  expect(result.stdout + result.stderr).toMatch(text);
  expect(result.status).toBe(status);
});
