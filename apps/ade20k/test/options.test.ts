import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelOf } from '@beit/cli';
import { INCEPTION_NORMALIZATION } from '@beit/data';
import { parseOptions } from '../src/options';
import { RECIPES } from '../src/recipes';

test.each([
  [['predict', '--model', 'x'], /'predict' needs --out/],
  [['evaluate', '--model', 'x', '--whole', '--multi-scale'], /--multi-scale and --whole exclude each other/],
  [['--recipe', 'beit-base-setr-pup-160k'], /needs --data DIR, a folder in the layout of ADE20K/],
  [['--scratch', '--checkpoint', 'x'], /give one/],
  [['--steps', '0'], /--steps is '0'; expected a whole number/],
])('%j is refused', async (args, message) => {
  await expect(parseOptions(args)).rejects.toThrow(message);
});

test('the recipe of a run, said again, is the same with the normalization of its checkpoint', async () => {
  const out = await mkdtemp(join(tmpdir(), 'options-'));
  const scenes = RECIPES.find(({ data }) => data.kind === 'scenes')!;
  const normalization = { ...INCEPTION_NORMALIZATION, std: [0.1, 0.2, 0.3] as const };
  const model = modelOf(scenes.model, { config: scenes.model });
  const begun = { ...scenes, model, views: { ...scenes.views, normalization } };
  const again = () => parseOptions(['--recipe', scenes.name, '--resume', '--out', out]);
  const write = (run: object) => writeFile(join(out, 'recipe.json'), JSON.stringify({ ...begun, run }));
  await write({ checkpoint: join(out, 'model.safetensors') });
  expect(await again()).toMatchObject({ recipe: begun, out });
  await write({ scratch: 'true' });
  await expect(again()).rejects.toThrow(/views\.normalization/);
  await rm(out, { recursive: true });
});
