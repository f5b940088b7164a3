/** The app as a user starts it, on a small folder in the layout of ADE20K that is made here. */
import { existsSync, readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, type Random } from '@beit/random';
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
let data: string;

/** A bright square (class 2) on dark ground (class 1), which has one pixel without a class. */
function scene(width: number, height: number, random: Random) {
  const side = random.integer(10, 18);
  const [left, top] = [random.integer(0, width - side), random.integer(0, height - side)];
  const inside = (x: number, y: number) => x >= left && x < left + side && y >= top && y < top + side;
  const shades = Array.from({ length: 3 }, () => [random.integer(0, 90), random.integer(160, 255)]);
  const pixels = new Uint8Array(width * height * 3);
  const labels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      labels[at] = inside(x, y) ? 2 : 1;
      for (let c = 0; c < 3; c++) pixels[3 * at + c] = shades[c]![inside(x, y) ? 1 : 0]!;
    }
  }
  labels[0] = 0;
  return { pixels, labels };
}

/** Odd sizes; JPEG files in colors, gray and CMYK, one turned by its camera, PNG with opacity, and two that are broken, with a broken mask. */
async function writeData(): Promise<void> {
  for (const [part, count] of [
    ['training', 24],
    ['validation', 6],
  ] as const) {
    await mkdir(join(data, 'images', part), { recursive: true });
    await mkdir(join(data, 'annotations', part), { recursive: true });
    for (let i = 0; i < count; i++) {
      const random = createRandom('scene', part, i);
      const [width, height] = [random.integer(30, 70), random.integer(30, 50)];
      const { pixels, labels } = scene(width, height, random);
      const image = sharp(pixels, { raw: { width, height, channels: 3 } });
      const path = join(data, 'images', part, String(i));
      if (i % 6 === 1) await image.greyscale().jpeg().toFile(`${path}.jpg`);
      else if (i % 6 === 2) await image.toColourspace('cmyk').jpeg().toFile(`${path}.jpg`);
      else if (i % 6 === 3) await image.ensureAlpha().png().toFile(`${path}.png`);
      else if (i % 6 === 4) {
        // Stored on its side; the annotation is of what people see.
        const turned = await image.rotate(-90).jpeg().toBuffer();
        await sharp(turned).withMetadata({ orientation: 6 }).jpeg().toFile(`${path}.jpg`);
      } else await image.jpeg().toFile(`${path}.jpg`);
      await sharp(labels, { raw: { width, height, channels: 1 } })
        .toColourspace('b-w')
        .png()
        .toFile(join(data, 'annotations', part, `${i}.png`));
    }
  }
  await writeFile(join(data, 'images/training/0.jpg'), 'no picture');
  await writeFile(join(data, 'images/validation/5.jpg'), 'no picture');
  await writeFile(join(data, 'annotations/validation/2.png'), 'no mask');
  await writeFile(join(data, 'classes.json'), '["ground", "square"]');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ade20k-'));
  data = join(folder, 'data');
  await writeData();
  const recipe = {
    extends: 'emoji',
    model: { imageSize: 32, embedDim: 32, depth: 2, numHeads: 2 },
    head: {
      kind: 'setr-pup',
      channels: 8,
      numConvs: 3,
      auxiliary: [{ block: 0, numConvs: 1, upScale: 2 }],
    },
    views: {
      stride: 21,
      distortion: { brightness: 20, contrast: [0.8, 1.2], saturation: [0.8, 1.2], hue: 20 },
    },
    batchSize: 8,
    microBatchSize: 4,
    steps: 60,
    warmupSteps: 5,
    learningRate: 5e-3,
    classWeights: [1, 2],
    evaluateEvery: 30,
  };
  await writeFile(join(folder, 'small.json'), JSON.stringify(recipe));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const small = (out: string, ...more: string[]) => [
  ...['--recipe', join(folder, 'small.json'), '--data', data, '--scratch', '--out', join(folder, out)],
  ...['--threads', '1', ...more],
];

test('a run trains, measures and reports; one killed on the way continues bit for bit; its model predicts', async () => {
  const whole = start(...small('whole'));
  expect(whole.stderr).toMatch(/24 images to train on, 6 to validate, 2 classes/);
  expect(whole.stderr).toMatch(
    /masks: 0 to 2\. Taken as --labels ade20k: 0 is none, 1 is 'ground', 2 is 'square'/,
  );
  expect(whole.stderr).toMatch(/Warning: 1 of these 6 validation masks cannot be read.*validation\/2\.png/);
  expect(`${whole.stdout}${whole.stderr}`.match(/could not be read/gi)).toHaveLength(1);
  expect(whole.stderr).toMatch(/3 files could not be read, such as .*unreadable\.json/);
  expect(whole.stderr).not.toMatch(/Error/);
  expect(ended(whole)).toEqual({ status: 0 });
  const out = join(folder, 'whole');
  const results = JSON.parse(await readFile(join(out, 'results.json'), 'utf8'));
  expect(results.mIoU).toBeGreaterThan(0.8);
  expect(results.images).toEqual({ training: 23, validation: 4 });
  expect(results.unreadable).toEqual({ training: 1, validation: 2 });
  expect(Object.keys(results.iou)).toEqual(['ground', 'square']);
  const unreadable = JSON.parse(await readFile(join(out, 'unreadable.json'), 'utf8'));
  expect(unreadable.map(({ name }: { name: string }) => name).sort()).toEqual([
    'training/0.jpg',
    'validation/2.jpg',
    'validation/5.jpg',
  ]);
  expect(JSON.parse(await readFile(join(out, 'recipe.json'), 'utf8')).data).toEqual({
    kind: 'folder',
    labels: 'ade20k',
  });
  const report = await readFile(join(out, 'report.html'), 'utf8');
  expect(report).toMatch(/image, truth and prediction/);
  expect(report).toMatch(/3 files could not be read/);
  expect(report).not.toMatch(/NaN|undefined/);

  await killAfterCheckpoint(join(folder, 'killed/checkpoints'), small('killed'));
  expect(existsSync(join(folder, 'killed/model.safetensors'))).toBe(false);
  expectContinues(app, join(folder, 'killed'), {
    options: ['--steps', '120'],
    refused: /steps: 60 in the run, 120 now/,
  });
  for (const file of ['model.safetensors', 'model-best.safetensors']) {
    const bytes = (run: string) => readFile(join(folder, run, file));
    expect((await bytes('killed')).equals(await bytes('whole'))).toBe(true);
  }

  const evaluated = start('evaluate', '--model', out, '--data', data, '--out', join(folder, 'e'));
  expect(evaluated.stdout).toMatch(/square +\d+\.\d % +\d+\.\d %/);
  expect(evaluated.stderr).toMatch(/Left out: validation\/5\.jpg/);
  const measuredAgain = JSON.parse(await readFile(join(folder, 'e/results.json'), 'utf8'));
  expect([measuredAgain.mIoU, measuredAgain.images, measuredAgain.unreadable]).toEqual([
    results.mIoU,
    { validation: 4 },
    { validation: 2 },
  ]);
  expect(start('evaluate', '--model', out, '--data', data, '--out', out).stderr).toMatch(/holds a run/);
  const onTest = () =>
    start('evaluate', '--model', out, '--data', data, '--part', 'test', '--out', join(folder, 't'));
  expect(onTest().stderr).toMatch(
    /--part is 'test', and .* has no annotated images for it; expected val or train/,
  );
  for (const name of ['images/test', 'annotations/test'])
    await cp(join(data, name.replace('test', 'validation')), join(data, name), { recursive: true });
  await rm(join(data, 'images/test/0.jpg'));
  expect(onTest().stdout).toMatch(/On test images|on test images/);
  const tested = JSON.parse(await readFile(join(folder, 't/results.json'), 'utf8'));
  expect([tested.images, tested.unreadable]).toEqual([{ test: 3 }, { test: 2 }]);
  for (const name of ['images/test', 'annotations/test']) await rm(join(data, name), { recursive: true });

  const masks = join(folder, 'masks');
  const one = join(data, 'images/validation/0.jpg');
  const predicted = start('predict', '--model', out, '--out', masks, '--multi-scale', one);
  expect(predicted.stdout).toMatch(/0\.jpg\n {2}(ground|square) \d+\.\d %, (ground|square) \d+\.\d %\n/);
  expect(readdirSync(masks).sort()).toEqual(['0-classes.png', '0-overlay.jpg', '0.png']);
  const [{ width, height }, mask] = [
    await sharp(one).metadata(),
    await sharp(join(masks, '0.png')).extractChannel(0).raw().toBuffer({ resolveWithObject: true }),
  ];
  expect([mask.info.width, mask.info.height]).toEqual([width, height]);
  expect(new Set(mask.data)).toEqual(new Set([1, 2]));
  const squeezed = start('predict', '--model', out, '--out', join(masks, 'whole'), '--whole', one);
  expect(ended(squeezed)).toEqual({ status: 0 });
  expect((await sharp(join(masks, 'whole/0.png')).metadata()).width).toBe(
    (await sharp(join(masks, '0.png')).metadata()).width,
  );
  await mkdir(join(folder, 'own'));
  const photograph = join(folder, 'own/photo.png');
  await writeFile(photograph, await sharp(one).png().toBuffer());
  const before = await readFile(photograph);
  const over = start('predict', '--model', out, '--out', join(folder, 'own'), photograph);
  expect([over.status, over.stderr]).toEqual([1, expect.stringMatching(/photo\.png' would be written over/)]);
  expect(readdirSync(join(folder, 'own'))).toEqual(['photo.png']);
  expect((await readFile(photograph)).equals(before)).toBe(true);
  const two = join(masks, 'two');
  expect(ended(start('predict', '--model', out, '--out', two, one, photograph, join(folder, 'own')))).toEqual(
    {
      status: 0,
    },
  );
  expect(
    readdirSync(two)
      .filter((name) => /(0|photo|photo-png)\.png$/.test(name))
      .sort(),
  ).toEqual(['0.png', 'photo-png.png', 'photo.png']);
  const broken = start('predict', '--model', out, '--out', masks, join(data, 'images/validation'));
  expect(broken.status).toBe(1);
  expect(broken.stderr).toMatch(/Cannot read .*5\.jpg/);
}, 600_000);

whereInstalled('XLA', () => {
  test('SETR-PUP on XLA is trained, measured and reported as on onnxruntime; one killed continues bit for bit', async () => {
    const on = (engine: string, out: string) => small(out, '--engine', engine, '--steps', '20');
    for (const engine of ['xla', 'onnxruntime']) {
      const result = start(...on(engine, engine));
      const { stderr } = result;
      expect(ended(result)).toEqual({ status: 0 });
      expect(stderr).toMatch(`segmentation: ${engine}, fp32`);
      expect(stderr).not.toMatch(/Error/);
    }
    await expectSameLosses(join(folder, 'xla'), join(folder, 'onnxruntime'));
    const report = await readFile(join(folder, 'xla/report.html'), 'utf8');
    expect(report).toMatch(/image, truth and prediction/);
    expect(report).not.toMatch(/NaN|undefined/);

    await killAfterCheckpoint(join(folder, 'xla-killed/checkpoints'), on('xla', 'xla-killed'));
    expect(ended(start(...on('xla', 'xla-killed'), '--resume'))).toEqual({ status: 0 });
    const model = (run: string) => readFile(join(folder, run, 'model.safetensors'));
    expect((await model('xla-killed')).equals(await model('xla'))).toBe(true);
  }, 600_000);
});

whereInstalled('Chromium', () => {
  test('the report of that run is accessible', async () => {
    expect(await violationsOfFile(join(folder, 'whole', 'report.html'))).toEqual([]);
  });
});

test.each([[['segment'], /no command 'segment'. Commands: train, evaluate, predict, masks/]])(
  '%j is refused',
  (args, message) => {
    const { status, stderr } = start(...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
  },
);

test('windows that are no squares, of gray images: trained, measured, predicted', async () => {
  const recipe = join(folder, 'gray.json');
  const small32 = JSON.parse(await readFile(join(folder, 'small.json'), 'utf8'));
  const gray = {
    ...small32,
    model: { ...small32.model, inChannels: 1 },
    views: { ...small32.views, normalization: { mean: [0.5], std: [0.5] } },
  };
  await writeFile(recipe, JSON.stringify(gray));
  const how = ['--recipe', recipe, '--image-size', '24,40', '--steps', '60'];
  const run = start(...small('wide', ...how));
  expect(ended(run)).toEqual({ status: 0 });
  const results = JSON.parse(await readFile(join(folder, 'wide/results.json'), 'utf8'));
  expect(results.mIoU).toBeGreaterThan(0.5);
  const { metadata } = await loadSafetensors(join(folder, 'wide/model.safetensors'));
  expect(JSON.parse(metadata.config!)).toMatchObject({ imageSize: [24, 40], inChannels: 1 });
  expect(JSON.parse(metadata.segmenter!).views.stride).toEqual([16, 26]);
  const [photo, out] = [join(data, 'images/validation/0.jpg'), join(folder, 'wide-masks')];
  for (const more of [[], ['--multi-scale'], ['--whole']])
    expect(ended(start('predict', '--model', join(folder, 'wide'), '--out', out, photo, ...more))).toEqual({
      status: 0,
    });
  const predicted = await sharp(join(out, '0.png')).metadata();
  const image = await sharp(photo).metadata();
  expect([predicted.width, predicted.height]).toEqual([image.width, image.height]);
});

test('weights for other classes are refused', async () => {
  const recipe = join(folder, 'weights.json');
  await writeFile(recipe, JSON.stringify({ extends: 'emoji', classWeights: [1, 2, 3] }));
  const { status, stderr } = start(...small('refused'), '--recipe', recipe);
  expect(status).toBe(1);
  expect(stderr).toMatch(/has 3 classWeights; expected 2, for ground, square/);
});

test('the dry run shows the rates of all layers', () => {
  const { stdout, status } = start(...small('x'), '--dry-run');
  expect(status).toBe(0);
  expect(stdout).toMatch(/24 images to train on, 2 classes/);
  expect(stdout).toMatch(/patches, positions +\d\.\d+e-3/);
  expect(stdout).toMatch(/60 of 8 crops \(20\.0 epochs\), micro-batches of 4/);
  expect(existsSync(join(folder, 'x'))).toBe(false);
});

test.each([
  [['--device', 'tpu'], /tpu/i],
  [['--checkpoint', '/nowhere'], /Cannot read \/nowhere/],
  [['--batch-size', '32'], /There are 24 images to train on, fewer than one batch of 32/],
])('what a run would refuse, its dry run refuses before it says anything: %j', (args, message) => {
  const { stdout, stderr, status } = start(
    ...small('x').filter((arg) => arg !== '--scratch'),
    '--dry-run',
    ...args,
  );
  expect([stdout, status]).toEqual(['', 1]);
  expect(stderr).toMatch(message);
});

test('two classes of 0 and 255, as most tools write them, come back as such; colors are turned into classes', async () => {
  const two = join(folder, 'two');
  const colors = join(folder, 'colors');
  for (const [part, count] of [
    ['training', 8],
    ['validation', 2],
  ] as const) {
    for (const root of [two, colors]) {
      await mkdir(join(root, 'images', part), { recursive: true });
      await mkdir(join(root, 'annotations', part), { recursive: true });
    }
    for (let i = 0; i < count; i++) {
      const { pixels, labels } = scene(40, 32, createRandom('two', part, i));
      const size = { width: 40, height: 32 };
      const binary = labels.map((label) => (label === 2 ? 255 : 0));
      const red = Uint8Array.from({ length: 3 * binary.length }, (_, at) =>
        at % 3 === 0 ? binary[at / 3]! : 0,
      );
      for (const root of [two, colors])
        await sharp(pixels, { raw: { ...size, channels: 3 } })
          .jpeg()
          .toFile(join(root, 'images', part, `${i}.jpg`));
      await sharp(binary, { raw: { ...size, channels: 1 } })
        .toColourspace('b-w')
        .png()
        .toFile(join(two, 'annotations', part, `${i}.png`));
      await sharp(red, { raw: { ...size, channels: 3 } })
        .png()
        .toFile(join(colors, 'annotations', part, `${i}.png`));
    }
  }
  const on = (root: string, ...more: string[]) => [
    ...small(`of-${more[1]}`),
    '--data',
    root,
    '--steps',
    '12',
    ...more,
  ];
  const unnamed = start(...on(two, '--out', join(folder, 'of-two')));
  expect([unnamed.status, unnamed.stderr]).toEqual([
    1,
    expect.stringMatching(/No pixel of the masks has a class/),
  ]);
  expect(existsSync(join(folder, 'of-two'))).toBe(false);

  await writeFile(join(two, 'classes.json'), '["background", "object"]');
  const run = join(folder, 'of-two');
  const trained = start(...on(two, '--out', run));
  expect(trained.stderr).toMatch(
    /masks: 0, 255\. Taken as --labels binary: 0 is 'background', 255 is 'object'/,
  );
  expect(ended(trained)).toEqual({ status: 0 });
  const results = JSON.parse(await readFile(join(run, 'results.json'), 'utf8'));
  expect(Object.values(results.iou).map((iou) => typeof iou)).toEqual(['number', 'number']);
  const one = join(two, 'images/validation/0.jpg');
  const numbers = async (...more: string[]) => {
    const out = join(folder, 'numbers', String(more.length));
    const predicted = start('predict', '--model', run, '--out', out, one, ...more);
    expect(ended(predicted)).toEqual({ status: 0 });
    return new Set(await sharp(join(out, '0.png')).extractChannel(0).raw().toBuffer());
  };
  for (const number of await numbers()) expect([0, 255]).toContain(number);
  for (const number of await numbers('--labels', 'from-zero')) expect([0, 1]).toContain(number);

  await writeFile(join(colors, 'classes.json'), '["background", "object"]');
  const refused = start(...on(colors, '--out', join(folder, 'of-colors')));
  expect([refused.status, refused.stderr]).toEqual([
    1,
    expect.stringMatching(/8 of 8 training masks are pictures in colors.*-- masks --data DIR/),
  ]);
  const listed = start('masks', '--data', colors);
  expect(listed.stdout).toMatch(/#000000 +\d\d\.\d\d % +8 +2\n#ff0000 +\d+\.\d\d % +8 +2\n/);
  const palette = join(folder, 'palette.json');
  await writeFile(palette, '{ "#000000": "ground" , "#00ff00": "square" }');
  const converted = join(folder, 'converted');
  const convert = () => start('masks', '--data', colors, '--palette', palette, '--out', converted);
  expect(convert().stderr).toMatch(
    /'training\/0\.png': the pixel in column \d+, row \d+ is #ff0000, which the palette/,
  );
  expect(existsSync(converted)).toBe(false);
  await writeFile(palette, '{ "#000000": "ground" , "#ff0000": "square" }');
  expect(ended(convert())).toEqual({ status: 0 });
  const mask = await sharp(join(converted, 'annotations/training/0.png')).extractChannel(0).raw().toBuffer();
  const original = await sharp(join(two, 'annotations/training/0.png')).extractChannel(0).raw().toBuffer();
  expect([...mask]).toEqual([...original].map((number) => number / 255));
  const shown = start(...on(converted, '--dry-run'));
  expect(shown.stderr).toMatch(/Taken as --labels from-zero: 0 is 'ground', 1 is 'square'/);
}, 600_000);
