/** Tokenizers of others: DALL-E's modules, pickled whole, and FLAVA's codebook, against what their own libraries answer. */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDvae, tokenizeImages } from '@beit/dvae';
import { toTensors } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { loadSafetensors, withoutPrefix } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { appProcess } from '../../../tooling/jest/appProcess';
import { hasDecoder, loadTokenizer } from '../src/loadTokenizer';

const fixtures = join(__dirname, '../../../packages/weights/test/fixtures');
const DALLE = join(fixtures, 'dalle');
const FLAVA = join(fixtures, 'flava');
const MODEL = { vocabSize: 32, hiddenDim: 4, decoderInitDim: 4, numGroups: 4, blocksPerGroup: 1 };
const dvae = createDvae(MODEL);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenizers-'));
});
afterAll(() => rm(folder, { recursive: true }));

const image = () =>
  tf.tensor4d(
    Array.from({ length: 16 * 16 * 3 }, (_, i) => 0.5 + 0.5 * Math.sin(i * 0.37)),
    [1, 16, 16, 3],
  );
const expectedOf = async (path: string) =>
  (await loadSafetensors(join(path, 'expected.safetensors'))).tensors;

/** The largest difference, as a share of the largest value. */
function difference(actual: tf.Tensor, expected: HostTensor): number {
  expect(actual.shape).toEqual(expected.shape);
  const values = actual.dataSync();
  const scale = Math.max(...Array.from(expected.data, Math.abs));
  return Math.max(...Array.from(expected.data, (value, i) => Math.abs(value - values[i]!))) / scale;
}
const logitsOf = (params: NamedTensors) => dvae.encode(toTensors(params), image());

test("DALL-E's encoder.pkl and decoder.pkl", async () => {
  const params = await loadTokenizer(DALLE, MODEL);
  const expected = await expectedOf(DALLE);
  expect(difference(logitsOf(params), expected.logits!)).toBeLessThan(1e-5);
  const tokens = tokenizeImages(dvae)(toTensors(params), { images: image() }).tokens as tf.Tensor2D;
  expect([...tokens.dataSync()]).toEqual([...expected.tokens!.data]);
  const pictures = dvae.decodeTokens(toTensors(params), tokens, [2, 2]);
  expect(difference(pictures, expected.reconstruction!)).toBeLessThan(1e-5);
});

test('the encoder alone, as a file and in a folder', async () => {
  await copyFile(join(DALLE, 'encoder.pkl'), join(folder, 'encoder.pkl'));
  const both = await loadTokenizer(DALLE, MODEL);
  for (const path of [folder, join(DALLE, 'encoder.pkl')]) {
    const params = await loadTokenizer(path, MODEL);
    expect(hasDecoder(params)).toBe(false);
    expect(withoutPrefix(params, 'encoder.')).toEqual(withoutPrefix(both, 'encoder.'));
  }
});

test("FLAVA's codebook, a folder and its file", async () => {
  const { logits } = await expectedOf(FLAVA);
  for (const path of [FLAVA, join(FLAVA, 'pytorch_model.bin')]) {
    const params = await loadTokenizer(path, MODEL);
    expect(hasDecoder(params)).toBe(false);
    expect(difference(logitsOf(params), logits!)).toBeLessThan(1e-5);
  }
});

test('what is none says so', async () => {
  await expect(loadTokenizer(join(DALLE, 'decoder.pkl'), MODEL)).rejects.toThrow(
    /decoder\.pkl is a decoder alone/,
  );
  await expect(loadTokenizer(DALLE, { ...MODEL, vocabSize: 64 })).rejects.toThrow(
    /does not fit the recipe's tokenizer:\n {2}encoder\.blocks\.output\.conv\.w is \[32,32,1,1\], expected \[64,32,1,1\]/,
  );
  await copyFile(join(DALLE, 'decoder.pkl'), join(folder, 'encoder.pkl'));
  await expect(loadTokenizer(folder, MODEL)).rejects.toThrow(/encoder\.pkl is no encoder/);
  await expect(loadTokenizer(join(fixtures, 'transformers'), MODEL)).rejects.toThrow(/is no tokenizer/);
  await expect(loadTokenizer(join(folder, 'nothing'), MODEL)).rejects.toThrow(/nothing.*ENOENT/);
});

test('pre-training with a codebook without decoder', async () => {
  for (let i = 0; i < 60; i++) {
    const channel = () => createRandom('picture', i).integer(0, 255);
    const background = { r: channel(), g: channel(), b: 255 - channel() };
    await sharp({ create: { width: 40, height: 32, channels: 3, background } })
      .png()
      .toFile(join(folder, `${i}.png`));
  }
  const recipe = {
    extends: 'emoji',
    tokenizer: { model: MODEL },
    mim: {
      model: { imageSize: 32, patchSize: 8, embedDim: 16, depth: 1, numHeads: 1 },
      masking: { kind: 'random', gridSize: 4, maskRatio: 0.4 },
    },
    views: { tokenImageSize: 32 },
  };
  await writeFile(join(folder, 'recipe.json'), JSON.stringify(recipe));
  const { start } = appProcess(join(__dirname, '..'));
  const out = join(folder, 'run');
  const { status, stdout, stderr } = start(
    ...['--recipe', join(folder, 'recipe.json'), '--data', folder, '--out', out],
    ...['--tokenizer', FLAVA, '--epochs', '1', '--batch-size', '8', '--workers', '0'],
  );
  expect(stderr + stdout).toMatch(/has no decoder, which pre-training does not need/);
  expect(stdout).toMatch(/Masked-token accuracy, all patches/);
  expect(stdout).not.toMatch(/PSNR|NaN/);
  expect(status).toBe(0);
});
