/** Labels from a file: several of each picture from training to answers, and one of each as folders have it. */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import { silentProgress } from '@beit/trainer';
import { loadSafetensors } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { violationsOfFile } from '../../../tooling/browser/accessibility';
import { appProcess } from '../../../tooling/jest/appProcess';
import { ended } from '../../../tooling/jest/ended';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { loadDataset } from '../src/dataset';
import { evaluate } from '../src/evaluate';
import { sigmoid } from '../src/evaluation';
import { type Options, parseOptions } from '../src/options';

tf.enableProdMode();

const { start, killAfterCheckpoint } = appProcess(join(__dirname, '..'));
const FIXTURES = join(__dirname, 'fixtures');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'multi-label-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function parsed(...args: string[]): Promise<Options & { readonly model: string }> {
  const options = await parseOptions(args);
  if (options === 'help') throw new Error('help');
  return { ...options, model: options.model! };
}

describe('a checkpoint of transformers for several labels', () => {
  const own = join(FIXTURES, 'multi-label');
  const model = join(FIXTURES, 'checkpoints/transformers-multi-label');
  const expected: {
    readonly probabilities: readonly (readonly number[])[];
    readonly averagePrecision: Readonly<Record<string, number>>;
  } & Readonly<Record<'mAP' | 'f1Micro' | 'f1Macro' | 'exactMatch', number>> = JSON.parse(
    readFileSync(join(own, 'expected.json'), 'utf8'),
  );
  const evaluated = async (labels: string, ...more: string[]) => {
    const said: string[] = [];
    const options = await parsed(
      ...['evaluate', '--model', model, '--data', join(own, 'pictures'), '--labels', labels],
      ...['--engine', 'onnxruntime', '--out', join(folder, 'evaluated'), ...more],
    );
    const progress = { ...silentProgress, message: (line: string) => said.push(line) };
    return { ...(await evaluate(options, progress)), said: said.join('\n') };
  };

  test('is measured to be what scikit-learn says of its probabilities', async () => {
    const { evaluated: found, said } = await evaluated(join(own, 'labels.csv'));
    expect(said).toMatch(/Classes were found by their names/);
    const { data } = found.logits;
    for (const [i, wanted] of expected.probabilities.entries())
      for (const [label, probability] of sigmoid(data.subarray(3 * i, 3 * i + 3)).entries())
        expect(Math.abs(probability - wanted[label]!)).toBeLessThan(1e-5);
    const results = JSON.parse(await readFile(join(folder, 'evaluated/results.json'), 'utf8'));
    for (const name of ['mAP', 'f1Micro', 'f1Macro', 'exactMatch'] as const)
      expect(results[name]).toBeCloseTo(expected[name], 5);
    for (const [name, value] of Object.entries(expected.averagePrecision))
      expect(results.perClass[name].averagePrecision).toBeCloseTo(value, 5);
    const [head, first] = (await readFile(join(folder, 'evaluated/predictions.csv'), 'utf8')).split('\n');
    expect([head, first]).toEqual(['image,labels,predictions', '"00.png","dog|newt","cat"']);
  });

  test('is measured by numbers where labels are such, and as one label where that is said', async () => {
    const names = expected.probabilities.map((_, i) => `${String(i).padStart(2, '0')}`);
    const [numbers, single] = [join(folder, 'numbers.csv'), join(folder, 'single.csv')];
    await writeFile(
      numbers,
      `id,labels\n${names.map((name, i) => `${name},${i % 2 ? 2 : '2 0'}`).join('\n')}\n`,
    );
    const { evaluated: found, said, measured } = await evaluated(numbers);
    expect(said).toMatch(/numbers of classes, and so they are the model's/);
    expect(said).toMatch(/The labels never name dog: taken for not there/);
    expect(found.labels.slice(0, 2)).toEqual([[0, 2], [2]]);
    expect(measured.classes).toEqual(['cat', 'dog', 'newt']);
    const results = JSON.parse(await readFile(join(folder, 'evaluated/results.json'), 'utf8'));
    expect([results.measuredClasses, results.perClass.dog.averagePrecision]).toEqual([2, null]);

    await writeFile(
      single,
      `id,label\n${names.map((name, i) => `${name},${i % 2 ? 'newt' : 'cat'}`).join('\n')}\n`,
    );
    expect((await evaluated(single)).evaluated.multiLabel).toBe(true);
    const one = await evaluated(single, '--problem', 'single');
    expect(one.said).toMatch(/Taken for one label of each picture, as --problem says/);
    expect(one.evaluated.multiLabel).toBe(false);
    await expect(evaluated(numbers, '--problem', 'single')).rejects.toThrow(
      /line 2: '00' has the labels '2', '0'/,
    );
    await writeFile(single, `id,label\n${names.map((name) => `${name},eel|cat`).join('\n')}\n`);
    await expect(evaluated(single)).rejects.toThrow(/does not know 'eel'/);
  });
});

test('one label of each picture from a file is the data set that folders are', async () => {
  const pictures = join(folder, 'classes');
  const names = ['cat', 'dog'].flatMap((name) => Array.from({ length: 9 }, (_, i) => `${name}/${i}.png`));
  for (const name of names) {
    await mkdir(join(pictures, name, '..'), { recursive: true });
    await writeFile(join(pictures, name), '');
  }
  const labels = join(folder, 'classes.jsonl');
  await writeFile(
    labels,
    names.map((name) => JSON.stringify({ file_name: name, label: name.split('/')[0] })).join('\n'),
  );
  const recipe = { data: { kind: 'folder' }, seed: 4 } as const;
  const byFolder = await loadDataset(recipe, pictures);
  const byFile = await loadDataset(recipe, pictures, { labels });
  for (const part of ['train', 'validation'] as const) expect(byFile[part]).toEqual(byFolder[part]);
  expect([byFile.classes, byFile.multiLabel]).toEqual([byFolder.classes, false]);
  expect(byFile.notes.join(' ')).toMatch(/One label is of each picture/);
  const several = await loadDataset(recipe, pictures, { labels, multiLabel: true });
  expect(several.train.labels[0]).toEqual([0]);
});

/** Bars that lie, bars that stand, both or none, on a dark ground. */
async function drawPictures(pictures: string): Promise<string[]> {
  await mkdir(pictures, { recursive: true });
  const rows: string[] = [];
  for (let i = 0; i < 64; i++) {
    const random = createRandom('several labels', i);
    const color = (from: number) => ({
      r: random.integer(from, from + 90),
      g: random.integer(from, from + 90),
      b: random.integer(from, from + 90),
    });
    const own = (['lying', 'standing'] as const).filter(() => random.uniform() < 0.5);
    const shapes = await Promise.all(
      own.map(async (name) => {
        const [width, height] = name === 'lying' ? [48, 12] : [12, 48];
        const create = { width, height, channels: 3, background: color(160) } as const;
        const input = await sharp({ create }).png().toBuffer();
        return { input, left: random.integer(0, 64 - width), top: random.integer(0, 64 - height) };
      }),
    );
    await sharp({ create: { width: 64, height: 64, channels: 3, background: color(0) } })
      .composite(shapes)
      .png()
      .toFile(join(pictures, `${i}.png`));
    rows.push(`${i},${own.join('|')}`);
  }
  return rows;
}

test('several labels: a run trains, reports, continues with the same labels alone; its model answers', async () => {
  const pictures = join(folder, 'pictures');
  const rows = await drawPictures(pictures);
  const labels = join(folder, 'labels.csv');
  const csv = `id,tags\n${rows.join('\n')}\n`;
  await writeFile(labels, csv);
  const recipe = join(folder, 'mine.json');
  const mix = { mixupAlpha: 0.2, cutmixAlpha: 1 };
  await writeFile(
    recipe,
    JSON.stringify({
      extends: 'emoji',
      model: { embedDim: 32, depth: 2 },
      labelSmoothing: 0.1,
      mix,
      epochs: 3,
    }),
  );
  const from = ['--data', pictures, '--labels', labels];
  const small = (out: string) => [
    ...['--recipe', recipe, '--batch-size', '8', '--scratch', '--out', join(folder, out), ...from],
  ];
  const whole = start(...small('whole'));
  expect(ended(whole)).toEqual({ status: 0 });
  expect(whole.stderr).toMatch(/tags', divided by '\|' \('lying\|standing'\)/);
  expect(whole.stderr).toMatch(/Any number of labels may be of a picture/);
  expect(whole.stderr).toMatch(/Labels are not smoothed \(the recipe says 0\.1\)/);
  expect(whole.stdout).toMatch(/mAP +\d+\.\d % +\d+\.\d % +mean over 2 classes/);
  expect(whole.stdout).toMatch(/Best mAP on the way/);
  const out = join(folder, 'whole');
  const report = await readFile(join(out, 'report.html'), 'utf8');
  expect(report).toMatch(/Exact matches/);
  expect(report).toMatch(/<figcaption>\d+\.png: [a-z, ]+; it is (none|lying|standing)/);
  expect(report).not.toMatch(/NaN|undefined|Confusion/);
  const results = JSON.parse(await readFile(join(out, 'results.json'), 'utf8'));
  expect(Object.keys(results)).toEqual(
    expect.arrayContaining([
      'loss',
      'mAP',
      'f1Micro',
      'f1Macro',
      'exactMatch',
      'measuredClasses',
      'perClass',
      'best',
    ]),
  );
  expect(Object.keys(results.perClass)).toEqual(['lying', 'standing']);
  expect(results.best.mAP).toBeGreaterThanOrEqual(results.mAP);
  const { metadata } = await loadSafetensors(join(out, 'model.safetensors'));
  expect(JSON.parse(metadata.classifier!)).toMatchObject({ problemType: 'multi_label_classification' });

  await killAfterCheckpoint(join(folder, 'killed/checkpoints'), small('killed'));
  const resume = ['--resume', '--out', join(folder, 'killed')];
  await writeFile(
    labels,
    csv.replace(rows[0]!, `${rows[0]!.split(',')[0]},`).replace(rows[1]!, '1,lying|standing'),
  );
  const changed = start(...resume);
  expect(changed.stderr).toMatch(/The labels in .*labels\.csv changed since the run was begun/);
  expect(changed.status).toBe(1);
  await writeFile(labels, csv);
  const again = start(...resume);
  expect(again.stderr).toMatch(/continuing at step/);
  expect(ended(again)).toEqual({ status: 0 });
  const model = (run: string) => readFile(join(folder, run, 'model.safetensors'));
  expect((await model('killed')).equals(await model('whole'))).toBe(true);

  const evaluated = start('evaluate', '--part', 'val', '--model', out, ...from, '--out', join(folder, 'e'));
  expect(evaluated.stdout).toMatch(/class +AP +F1 +images\nlying +\d+\.\d % +(\d+\.\d %) +\d+\n/);
  const repeated = JSON.parse(await readFile(join(folder, 'e/results.json'), 'utf8'));
  expect(repeated.mAP).toBeCloseTo(results.mAP, 6);
  const noFile = start('evaluate', '--model', out, '--data', pictures);
  expect(noFile.stderr).toMatch(/is for several labels of a picture.*Give the labels with --labels FILE/);
  const probed = start('probe', '--checkpoint', out, ...from);
  expect(probed.stderr).toMatch(/'probe' is for one label of each picture/);
  const predicted = start('predict', '--model', out, join(pictures, '0.png'));
  expect(predicted.stdout).toMatch(/0\.png\n +\d+\.\d % {2}\w+\n +\d+\.\d % {2}\w+\n$/);
  start('export', '--model', out, '--out', join(folder, 'exported'));
  const config = JSON.parse(await readFile(join(folder, 'exported/config.json'), 'utf8'));
  expect(config).toMatchObject({
    problem_type: 'multi_label_classification',
    id2label: { 0: 'lying', 1: 'standing' },
  });
  const dry = start(...small('dry'), '--dry-run', '--label-share', '0.5');
  expect(dry.stdout).toMatch(
    /images of 2 classes to train on[\s\S]*Any number of labels[\s\S]*estimated time/,
  );
}, 300_000);

whereInstalled('Chromium', () => {
  test('the report of that run is accessible', async () => {
    expect(await violationsOfFile(join(folder, 'whole', 'report.html'))).toEqual([]);
  });
});
