import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takenSizes } from '../../../tooling/jest/takenSizes';
import { parseOptions, type RunOptions } from '../src/options';
import { pretrainRecipe } from '../src/recipe';
import { RECIPES } from '../src/recipes';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'options-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const options = async (...args: string[]) => (await parseOptions([...args, '--dry-run'])) as RunOptions;
const fromFile = async (content: object, ...args: string[]) => {
  const path = join(folder, 'mine.json');
  await writeFile(path, JSON.stringify(content));
  return options('--recipe', path, ...args);
};

test.each(RECIPES.map((recipe) => [recipe.name, recipe] as const))('%s is what a recipe is', (_, recipe) => {
  expect(pretrainRecipe.parse(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
});

test('a file changes a recipe, flags change the file, and neither inherits its evidence', async () => {
  const [emoji] = RECIPES;
  const { recipe } = await fromFile(
    { extends: 'emoji', data: { heldOutShare: 0.25 }, mim: { epochs: 40, model: { dropPathRate: 0.1 } } },
    '--masking',
    'random',
    '--seed',
    '4',
  );
  expect(recipe).toEqual({
    ...emoji!,
    name: 'mine',
    evidence: 'none',
    data: { kind: 'emoji', size: 96, heldOutShare: 0.25 },
    mim: {
      ...emoji!.mim,
      epochs: 40,
      model: { ...emoji!.mim.model, dropPathRate: 0.1 },
      masking: { kind: 'random', gridSize: 8, numMaskingPatches: 26 },
    },
    seed: 4,
  });
});

test('pixels are a target of every recipe', async () => {
  expect((await options()).recipe.mim.target).toBe('tokens');
  expect((await options('--target', 'pixels')).recipe.mim.target).toBe('pixels');
  expect((await fromFile({ extends: 'emoji', mim: { target: 'pixels' } })).recipe.mim.target).toBe('pixels');
});

test.each([
  [{ tokenizer: { epochs: 0 } }, 'tokenizer.epochs is 0; expected a number above 0, at most 1000000.'],
  [{ mim: { target: 'words' } }, 'mim.target is "words"; expected one of tokens, pixels.'],
  [
    { mim: { masking: { kind: 'stripes' } } },
    'mim.masking.kind is "stripes"; expected one of blockwise, random.',
  ],
  [{ mim: { masking: { numMaskingPatches: 99 } } }, 'mim.masking: numMaskingPatches 99 is not possible'],
  [{ mim: { model: { numHeads: 3 } } }, 'mim.model: embedDim (128) must be a multiple of numHeads (3).'],
  [{ mim: { model: { imageSize: 96 } } }, 'mim.masking.gridSize is 8; expected 12, imageSize / patchSize'],
  [{ tokenizer: { model: { hiddenDim: 6 } } }, 'tokenizer.model: hiddenDim is 6; expected a multiple of 4'],
  [{ mim: { batchSize: 100 } }, 'mim.microBatchSize is 64; expected a divisor of batchSize, which is 100.'],
  [{ mim: { epochs: 1 } }, 'mim.warmupEpochs is 2; expected at most mim.epochs, which is 1.'],
  [
    { views: { tokenImageSize: 64 } },
    'views.tokenImageSize is 64; expected 32, so that a visual token of tokenizer.model is a patch of mim.model.',
  ],
  [{ data: { heldOutShare: 1 } }, 'data.heldOutShare is 1; expected a number above 0 and below 1.'],
  [
    { data: { kind: 'folder', size: 3 } },
    'data.size is not known; expected an object with the keys kind, shardWindow.',
  ],
  [
    { views: { crop: { scale: [0.8, 0.2] } } },
    'views.crop.scale is [0.8,0.2]; expected the smaller one first.',
  ],
])('a file with %j is refused', async (change, message) => {
  await expect(fromFile({ extends: 'emoji', ...change })).rejects.toThrow(message);
});

test.each([
  [['--device', 'cuda'], { engine: 'auto', device: 'cuda' }],
  [['--engine', 'xla'], { engine: 'xla' }],
  [['--engine', 'xla', '--device', 'cuda:0,2'], { device: 'cuda', devices: [0, 2] }],
  [['--engine', 'xla', '--device', 'tpu', '--devices', 'all'], { device: 'tpu', devices: 'all' }],
  [['--engine', 'xla', '--devices', 'all'], { devices: 'all' }],
  [['--engine', 'xla', '--precision', 'tf32', '--device', 'cuda'], { precision: 'tf32', device: 'cuda' }],
  [['--engine', 'xla', '--precision', 'bf16', '--threads', '3'], { precision: 'bf16', numThreads: 3 }],
])('%j says what computes', async (args, expected) => {
  expect((await options(...args)).engine).toMatchObject(expected);
});

test('mistakes on the command line', async () => {
  await expect(options('--target', 'words')).rejects.toThrow(
    "--target is 'words'; expected one of tokens, pixels.",
  );
  await expect(options('--target', 'pixels', '--tokenizer', 'dvae.safetensors')).rejects.toThrow(
    "--tokenizer is 'dvae.safetensors', but pixels are predicted without one; expected --target tokens.",
  );
});

test.each([
  [['--epochs', 'many'], /--epochs is 'many'; expected a whole number/],
  [['--engine', 'torch'], /--engine is 'torch'/],
  [['--precision', 'fp8'], /--precision is 'fp8'/],
  [['--engine', 'tfjs', '--precision', 'bf16'], /--precision is 'bf16', which 'tfjs' does not have/],
  [
    ['--precision', 'tf32', '--engine', 'openvino'],
    /'tf32', which 'openvino' does not have; expected --engine xla/,
  ],
  [
    ['--engine', 'xla', '--precision', 'tf32', '--device', 'tpu'],
    /'tf32' with --device tpu; it is for --device cuda/,
  ],
  [
    ['--engine', 'openvino', '--device', 'cuda'],
    /--device is 'cuda', which 'openvino' does not have; .* xla or onnx/,
  ],
  [
    ['--engine', 'onnxruntime', '--device', 'tpu'],
    /--device is 'tpu', which 'onnxruntime' does not .* --engine xla/,
  ],
  [
    ['--engine', 'xla', '--device', 'webgpu'],
    /--device is 'webgpu', which 'xla' does not .* --engine onnxruntime/,
  ],
  [
    ['--device', 'gpu'],
    /--device is 'gpu'; expected one of cpu, cuda, rocm, oneapi, tpu, webgpu, and numbers/,
  ],
  [['--device', 'cuda:0:1'], /--device is 'cuda:0:1'; expected one of cpu, cuda/],
  [
    ['--engine', 'xla', '--device', 'cuda:'],
    /--device is 'cuda:'; expected different numbers .* such as cuda:0,1/,
  ],
  [['--engine', 'xla', '--device', 'cuda:1,1'], /--device is 'cuda:1,1'; expected different numbers/],
  [['--device', 'cuda:1'], /--device is 'cuda:1' with --engine auto; devices are chosen .* --engine xla/],
  [['--devices', 'all'], /--devices is 'all' with --engine auto; devices are chosen .* --engine xla/],
  [['--engine', 'xla', '--devices', '2'], /--devices is '2'; expected one of all/],
  [
    ['--engine', 'xla', '--device', 'cuda:0', '--devices', 'all'],
    /--devices is 'all', and --device 'cuda:0'; expected one of them/,
  ],
  [['--masking', 'stripes'], /--masking is 'stripes'/],
  [['--recipe', 'beit-base-imagenet1k'], /needs --data DIR/],
  [['--epoch', '3'], /--epoch/],
])('%j is refused', async (args, message) => {
  await expect(parseOptions(args)).rejects.toThrow(message);
});

test.each([1e9, 2 ** 53 - 1, 1e300, -1, null, '12'])('no size of a recipe may be %p', (value) => {
  for (const recipe of RECIPES) expect(takenSizes(pretrainRecipe, recipe, value)).toEqual([]);
});
