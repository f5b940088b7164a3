import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDvae } from '@beit/dvae';
import { createRandom } from '@beit/random';
import { obtainTokenizer, saveTokenizer } from '../src/obtainTokenizer';
import type { PretrainRecipe } from '../src/recipe';
import { RECIPES } from '../src/recipes';
import { tokenObjective } from '../src/targets/tokenObjective';
import type { PretrainStageOptions } from '../src/tokenizerStage';

const emoji = RECIPES.find(({ name }) => name === 'emoji')!;
const recipe: PretrainRecipe = {
  ...emoji,
  tokenizer: {
    ...emoji.tokenizer,
    model: { ...emoji.tokenizer.model, vocabSize: 16, hiddenDim: 4, decoderInitDim: 4 },
  },
};
const params = createDvae(recipe.tokenizer.model).init(createRandom(0));

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'tokenizer-'));
});
afterEach(() => rm(out, { recursive: true }));

const obtain = () =>
  obtainTokenizer({ recipe } as PretrainStageOptions, {
    ...{ out, continues: true, given: undefined },
    heldOut: { batches: [], batchSize: 1, count: 0, unreadable: [] },
  });

test('a run takes its tokenizer again, but not with other numbers', async () => {
  await saveTokenizer(out, params, recipe);
  expect((await obtain())?.params).toEqual(params);
  const path = join(out, 'tokenizer.safetensors');
  const bytes = await readFile(path);
  bytes[bytes.length - 1001]! ^= 0x40;
  await writeFile(path, bytes);
  await expect(obtain()).rejects.toThrow(`${path} is damaged: its numbers are not those that were written.`);
});

test('what stage 2 learns from is part of what it goes on with', () => {
  const { digest } = tokenObjective(recipe, params);
  expect(digest).toMatch(/^[\da-f]{64}$/);
  const [name] = Object.keys(params);
  const other = { ...params[name!]!, data: params[name!]!.data.slice() };
  other.data[0]! += 1;
  expect(tokenObjective(recipe, { ...params, [name!]: other }).digest).not.toBe(digest);
  expect(tokenObjective(recipe, Object.fromEntries(Object.entries(params).reverse())).digest).toBe(digest);
});
