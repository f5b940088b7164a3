/**
 * Classifiers as transformers and timm save them: the pictures beside them get the same answer here as there. All were made
 * by `fixtures/makeCheckpoints.py`.
 */
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPretrained } from '@beit/cli';
import { createRandom } from '@beit/random';
import { loadSafetensors, saveSafetensors } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { loadClassifier, saveClassifier } from '../src/classifierFile';
import { exportModel } from '../src/exportModel';
import { createModel } from '../src/model';
import { predict } from '../src/predict';

tf.enableProdMode();

const CHECKPOINTS = join(__dirname, 'fixtures/checkpoints');
const expected: { readonly logits: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> } =
  JSON.parse(readFileSync(join(CHECKPOINTS, 'expected.json'), 'utf8'));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'others-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The probabilities of a picture's classes, by their names. */
async function answers(
  model: string,
  pictures: readonly string[],
  heads: number | undefined,
): Promise<Record<string, number>[]> {
  const files = pictures.map((name) => join(CHECKPOINTS, `${name}.png`));
  const all: Record<string, number>[] = [];
  const options = {
    model,
    heads,
    files,
    top: 100,
    engine: { engine: 'onnxruntime', precision: 'fp32' },
  } as const;
  for await (const prediction of predict(options)) {
    if ('reason' in prediction) throw new Error(prediction.reason);
    all.push(Object.fromEntries(prediction.classes.map(({ name, probability }) => [name, probability])));
  }
  return all;
}

const softmax = (logits: readonly number[]) => {
  const powers = logits.map(Math.exp);
  return powers.map((power) => power / powers.reduce((a, b) => a + b, 0));
};

const sigmoid = (logits: readonly number[]) => logits.map((x) => 1 / (1 + Math.exp(-x)));

describe.each(Object.entries(expected.logits))('%s', (name, pictures) => {
  const heads = name === 'no-heads' ? 4 : undefined;
  const expectSame = async (model: string, tolerance: number) => {
    const { classes } = await loadClassifier(model, { heads });
    const given = await answers(model, Object.keys(pictures), heads);
    Object.entries(pictures).forEach(([picture, logits], i) => {
      const probabilities = name.includes('multi-label') ? sigmoid(logits) : softmax(logits);
      classes.forEach((title, label) => {
        const error = Math.abs(given[i]![title]! - probabilities[label]!);
        expect([picture, title, error < tolerance]).toEqual([picture, title, true]);
      });
    });
  };

  test('answers as its own library', () => expectSame(join(CHECKPOINTS, name), 1e-5));

  test('answers alike when it was exported, but for what transformers cannot say', async () => {
    const out = join(folder, name);
    const said: string[] = [];
    await exportModel({ model: join(CHECKPOINTS, name), heads, out }, (line) => said.push(line));
    const isWide = /wide|high/.test(name);
    expect(said.some((line) => line.startsWith('Pictures that are no squares'))).toBe(isWide);
    const own = await loadClassifier(join(CHECKPOINTS, name), { heads });
    const exported = await loadClassifier(out);
    expect([exported.multiLabel, exported.classes, exported.model.numHeads]).toEqual([
      own.multiLabel,
      own.classes,
      own.model.numHeads,
    ]);
    const { framing, normalization } = exported.preprocessing;
    expect(normalization).toEqual(own.preprocessing.normalization);
    const { resize } = own.preprocessing.framing;
    expect(framing).toEqual({
      ...own.preprocessing.framing,
      ...(resize && { resize: { ...resize, to: 'cover' in resize.to ? resize.to.cover : resize.to } }),
      ...(own.preprocessing.framing.crop && {
        crop: { ...own.preprocessing.framing.crop, rounding: 'down' },
      }),
      transparency: 'white',
    });
    if (name.startsWith('transformers')) await expectSame(out, 1e-5);
  });
});

describe('what is no BEiT, or none that can answer', () => {
  const vit = join(CHECKPOINTS, 'refused-timm-vit');
  test('is refused by every app, with the tensors that would be dropped', async () => {
    const message =
      /refused-timm-vit: it is no BEiT as it describes itself\.\n(.*\n)?Not expected: blocks\.0\.attn\.qkv\.bias/;
    await expect(loadPretrained(vit, { heads: 2 })).rejects.toThrow(message);
    await expect(loadClassifier(vit, { heads: 2 })).rejects.toThrow(message);
  });

  test.each([
    ['blocks.0.attn.q_norm.weight', /Not expected: blocks\.0\.attn\.q_norm\.weight/],
    ['norm_pre.weight', /Not expected: norm_pre\.weight/],
    ['reg_token', /Not expected: reg_token/],
    ['norm.weight', /no BEiT classifier.*\nNot expected: norm\.weight/],
    ['head_dist.weight', /no BEiT classifier.*\nNot expected: head_dist\.weight/],
  ])('so is a classifier with %s', async (name, message) => {
    const { tensors } = await loadSafetensors(join(CHECKPOINTS, 'timm-center/model.safetensors'));
    const path = join(folder, 'more.safetensors');
    await saveSafetensors(path, { ...tensors, [name]: tensors['fc_norm.weight']! });
    await expect(loadClassifier(path)).rejects.toThrow(message);
  });

  test('without a table of biases, the number of heads is guessed aloud, or given', async () => {
    const released = join(folder, 'released.safetensors');
    const config = { imageSize: 8, patchSize: 4, embedDim: 64, depth: 1, numHeads: 1, mlpRatio: 1 } as const;
    const { classifier } = createModel({ model: config, pooling: 'mean' }, 3);
    await saveSafetensors(released, classifier.init(createRandom(0)));
    const guessed = await loadClassifier(released);
    expect(guessed.model.numHeads).toBe(1);
    expect(guessed.notes[0]).toMatch(/does not tell its number of heads: 1 are taken.*--heads N/);
    const path = join(CHECKPOINTS, 'no-heads');
    await expect(loadClassifier(path)).rejects.toThrow(/embedDim 8 is no multiple of 64: give numHeads/);
    const given = await loadClassifier(path, { heads: 4 });
    expect(given.model.numHeads).toBe(4);
    expect(given.notes.join()).not.toMatch(/heads/);
    const stated = join(folder, 'stated-heads');
    await cp(path, stated, { recursive: true });
    const timm = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
    await writeFile(join(stated, 'config.json'), JSON.stringify({ ...timm, model_args: { num_heads: 4 } }));
    const told = await loadClassifier(stated);
    expect(told.model.numHeads).toBe(4);
    expect(told.notes.join()).not.toMatch(/heads/);
    await expect(loadClassifier(join(CHECKPOINTS, 'timm-center'), { heads: 4 })).rejects.toThrow(
      /timm-center: .*4.*2 columns/,
    );
    await expect(loadClassifier(join(CHECKPOINTS, 'transformers-old'), { heads: 4 })).rejects.toThrow(
      /transformers-old: --heads is 4, but the file says 2/,
    );
  });

  test('timm’s pooling that its norm does not fit is refused', async () => {
    const path = join(folder, 'pooled');
    await cp(join(CHECKPOINTS, 'timm-center'), path, { recursive: true });
    const config = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
    await writeFile(join(path, 'config.json'), JSON.stringify({ ...config, global_pool: 'token' }));
    await expect(loadClassifier(path)).rejects.toThrow(/global_pool is "token", but it has the norm of avg/);
  });

  test('a regression is refused with that word, several labels are not evaluated as one', async () => {
    const path = join(folder, 'regression');
    await cp(join(CHECKPOINTS, 'transformers-old'), path, { recursive: true });
    const config = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
    await writeFile(join(path, 'config.json'), JSON.stringify({ ...config, problem_type: 'regression' }));
    await expect(loadClassifier(path)).rejects.toThrow(/is a regression\. Expected a classifier/);
    await writeFile(join(path, 'config.json'), JSON.stringify({ ...config, problem_type: 'ranking' }));
    await expect(loadClassifier(path)).rejects.toThrow(/problem_type is "ranking"/);
  });

  test('several labels are kept in this project’s own files', async () => {
    const path = join(folder, 'several.safetensors');
    const own = await loadClassifier(join(CHECKPOINTS, 'transformers-multi-label'));
    expect(own.notes.join()).toMatch(/for several labels/);
    await saveClassifier(path, own);
    expect((await loadClassifier(path)).multiLabel).toBe(true);
  });
});
