import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '@beit/cli';
import { parseOptions } from '../src/options';
import { finetuneRecipe } from '../src/recipe';
import { RECIPES } from '../src/recipes';

const parsed = async (...args: string[]) => {
  const options = await parseOptions(args);
  if (options === 'help') throw new Error('There is only help.');
  return options;
};

test.each(RECIPES.map((recipe) => [recipe.name, recipe] as const))('%s is what a recipe is', (_, recipe) => {
  expect(finetuneRecipe.parse(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
});

test('the default is training on the emoji', async () => {
  const { command, recipe, scratch, labelShare, labelsFrom, top, engine, out } = await parsed();
  expect({ command, scratch, labelShare, labelsFrom, top, engine }).toEqual({
    command: 'train',
    scratch: false,
    labelShare: 1,
    labelsFrom: undefined,
    top: 5,
    engine: { engine: 'auto', precision: 'fp32' },
  });
  expect(recipe.name).toBe('emoji');
  expect(out).toMatch(/runs\/classify-emoji/);
  expect(await parseOptions(['--help'])).toBe('help');
});

test('options change the recipe; a shorter run has a shorter warm-up', async () => {
  const { recipe } = await parsed(
    ...['--recipe', 'beit-base-imagenet1k-finetune', '--data', 'photos', '--epochs', '10'],
    ...['--batch-size', '20', '--learning-rate', '1e-4', '--layer-decay', '0.7', '--seed', '5'],
  );
  expect(recipe).toMatchObject({
    epochs: 10,
    warmupEpochs: 2,
    batchSize: 20,
    microBatchSize: 5,
    learningRate: 1e-4,
    layerDecay: 0.7,
    seed: 5,
  });
});

test('the optimizer is sharded where that is asked for', async () => {
  expect((await parsed()).shardOptimizer).toBe(false);
  expect((await parsed('--shard-optimizer')).shardOptimizer).toBe(true);
});

test('a recipe for training from scratch needs no --scratch', async () => {
  const scratch = ['--recipe', 'deit-base-imagenet1k-scratch', '--dry-run'];
  expect((await parsed(...scratch)).scratch).toBe(true);
  await expect(parsed(...scratch, '--checkpoint', 'x.pth')).rejects.toThrow(
    /'deit-base-imagenet1k-scratch' begins with random parameters and --checkpoint with 'x\.pth'/,
  );
});

test('a file changes a recipe, and is checked', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'options-'));
  const file = join(folder, 'mine.json');
  await writeFile(
    file,
    '{ "extends": "deit-base-imagenet1k-scratch", "epochs": 7, "views": { "augmentation": { "randAugment": null } } }',
  );
  const { recipe } = await parsed('--recipe', file, '--data', 'photos');
  expect(recipe).toMatchObject({ name: 'mine', epochs: 7, evidence: 'none' });
  expect(Object.keys(recipe.views.augmentation)).toEqual(['crop', 'flip', 'erasing']);
  await writeFile(
    file,
    '{ "extends": "emoji", "mix": { "mixupAlpha": -1 }, "epoch": 3, "microBatchSize": 5 }',
  );
  await expect(parsed('--recipe', file)).rejects.toThrow(
    /mix\.mixupAlpha is -1; expected a number of at least 0\.[\s\S]*epoch is not known/,
  );
  await writeFile(file, '{ "extends": "emoji", "microBatchSize": 5 }');
  await expect(parsed('--recipe', file)).rejects.toThrow(/microBatchSize.*expected a divisor of batchSize/);
  await rm(folder, { recursive: true });
});

test.each([
  [['--recipe', 'vgg'], /no recipe 'vgg'. Recipes: emoji, cifar10, beit-base-imagenet1k-finetune/],
  [['--recipe', 'beit-base-imagenet1k-finetune'], /needs --data DIR/],
  [['--epochs', 'many'], /--epochs is 'many'; expected a number/],
  [['--epochs', '0'], /--epochs is '0'; expected a number/],
  [['--epochs', 'Infinity'], /--epochs is 'Infinity'; expected a number/],
  [['--data', ''], /--data is ''; expected a path/],
  [['--out='], /--out is ''; expected a path/],
  [['predict', '--model', 'run', ''], /A file is ''; expected a path/],
  [['evaluate', '--part', 'dev'], /--part is 'dev'; expected one of val, validation, test, train, all/],
  [['--label-share', '2'], /--label-share is '2'; expected a number from/],
  [
    ['--data', 'd', '--labels', '0.5'],
    /--labels is '0\.5'; expected a file\. A share of the images is --label-share/,
  ],
  [['--labels', 'x.csv'], /--labels is '.*x\.csv', of pictures in a folder; give that with --data/],
  [['--data', 'd', '--problem', 'multi'], /--problem is 'multi', about a file of labels/],
  [
    ['--data', 'd', '--labels', 'x', '--problem', 'both'],
    /--problem is 'both'; expected one of single, multi/,
  ],
  [['--data', 'd', '--labels', 'x', '--label-divider', ''], /--label-divider is ''/],
  [['--batch-size', '1.5'], /--batch-size is '1\.5'; expected a whole number/],
  [['--threads', ''], /--threads is ''/],
  [['--scratch', '--checkpoint', 'x'], /--checkpoint with 'x'; give one/],
  [['drive'], /no command 'drive'. Commands: train, evaluate, predict, features, probe, export/],
  [['probe', 'x'], /'x' is too much/],
  [['export', '--model', 'x'], /needs --out/],
  [['evaluate'], /needs --model/],
  [['predict', 'a.png'], /needs --model/],
  [['predict', '--model', 'x'], /needs the paths of images/],
  [
    ['features', '--checkpoint', 'x', 'a.jpg'],
    /needs --checkpoint, --out FILE\.safetensors, FILE\.npy or FILE\.parquet/,
  ],
  [['features', '--checkpoint', 'x', '--out', 'f.csv', 'a.jpg'], /f\.csv'; expected a file that ends with/],
  [['--epoch', '3'], /--epoch/],
])('%j', async (args, text) => {
  const failed = parseOptions(args);
  await expect(failed).rejects.toThrow(UsageError);
  await expect(failed).rejects.toThrow(text);
});
