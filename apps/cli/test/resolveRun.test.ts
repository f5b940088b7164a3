import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fields, recipeName, whole, type z } from '@beit/schemas';
import { UsageError } from '../src/commandLine';
import { oneOf, path, text, whole as wholeOption } from '../src/options/optionReaders';
import { flag, type OptionValues, option, parseOptionTable, readTexts } from '../src/options/optionTable';
import { outOptions } from '../src/options/trainOptions';
import { resolveRun } from '../src/run/resolveRun';

const schema = fields({ name: recipeName, epochs: whole(1, 100), width: whole(1), size: whole(1) });
type Recipe = z.infer<typeof schema>;
const SMALL: Recipe = { name: 'small', epochs: 3, width: 32, size: 8 };
const LARGE: Recipe = { name: 'large', epochs: 3, width: 128, size: 8 };

const TABLE = {
  recipe: option('NAME', 'its name', text, 'small'),
  ...outOptions(''),
  data: option('DIR', 'pictures', path),
  checkpoint: option('PATH', 'a start', path),
  engine: option('NAME', 'computes', oneOf(['auto', 'xla', 'tfjs']), 'auto'),
  device: option('NAME', 'of it', text),
  threads: option('N', 'of it', wholeOption(1)),
  whole: flag('no cutting'),
  epochs: option('N', 'instead', wholeOption(1)),
};

const resolved = (...args: string[]) => resolvedAs({}, ...args);
const looked = (...args: string[]) => resolvedAs({ looks: true }, ...args);
const resolvedAs = (how: { readonly looks?: boolean }, ...args: string[]) => {
  const asked = parseOptionTable(TABLE, args);
  if (asked === 'help') throw new Error('There is only help.');
  return resolveRun({
    trains: true,
    ...how,
    asked,
    read: (texts) => readTexts(TABLE, texts),
    recipes: [SMALL, LARGE],
    schema,
    overrides: ['epochs'],
    override: (recipe, { epochs = recipe.epochs }: OptionValues<typeof TABLE>) => ({ ...recipe, epochs }),
    begunAs: (recipe, { width }, withCheckpoint) => (withCheckpoint ? { ...recipe, width } : recipe),
    prefix: '',
  });
};

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'resolve-'));
});
afterEach(() => rm(out, { recursive: true, force: true }));

/** A run as an app leaves it after its first step. */
async function begin(...args: string[]) {
  const { recipe, how } = await resolved(...args, '--out', out);
  await writeFile(join(out, 'recipe.json'), JSON.stringify({ ...recipe, run: how }));
}
const resume = (...args: string[]) => resolved('--resume', '--out', out, ...args);

test('who only looks at a run sees the one that is begun, is refused as it would be, and makes no folder', async () => {
  await begin('--recipe', 'large', '--epochs', '1', '--data', 'photos');
  const { values, recipe } = await looked('--resume', '--out', out);
  expect([recipe, values.data]).toEqual([{ ...LARGE, epochs: 1 }, expect.stringMatching(/photos$/)]);
  await expect(looked('--resume', '--out', join(out, 'absent'))).rejects.toThrow(/no run to continue/);
  await expect(looked('--out', out)).rejects.toThrow(/holds a run/);
  expect((await looked()).out).toBeUndefined();
});

test('a run whose recipe is damaged says what to do', async () => {
  await begin('--recipe', 'large');
  await writeFile(join(out, 'recipe.json'), '{"name":"large","ep');
  await expect(resume()).rejects.toThrow(
    /recipe\.json' is no JSON: .*\n.*Put it back as it was, or begin a run/,
  );
});

test('what options make of a recipe is checked as a recipe from a file is', async () => {
  await expect(resolved('--recipe', 'large', '--epochs', '101')).rejects.toThrow(
    /^With these options it is no recipe\.\n {2}epochs is 101; expected a whole number from 1 to 100/,
  );
});

test('a run continues alone, with its own recipe and options', async () => {
  await begin('--recipe', 'large', '--epochs', '1', '--data', 'photos', '--engine', 'xla', '--threads', '2');
  const { values, recipe } = await resume();
  expect(recipe).toEqual({ ...LARGE, epochs: 1 });
  expect(values).toMatchObject({ engine: 'xla', threads: 2, whole: false, resume: true, out });
  expect(values.data).toMatch(/^\/.*photos$/);
});

test('the same command continues it too', async () => {
  const command = ['--recipe', 'large', '--epochs', '1', '--data', 'photos', '--whole'];
  await begin(...command);
  expect((await resume(...command)).recipe).toEqual({ ...LARGE, epochs: 1 });
});

test.each([
  [['--epochs', '20'], 'epochs: 1 in the run, 20 now'],
  [['--recipe', 'large', '--epochs', '1'], 'width: 32 in the run, 128 now'],
  [['--data', '/other'], '--data: "/photos" in the run, "/other" now'],
  [['--whole'], '--whole: not given in the run, given now'],
  [['--checkpoint', '/c'], '--checkpoint: not given in the run, "/c" now'],
])('%j is refused, with both values, and the folder stays as it was', async (args, message) => {
  await begin('--epochs', '1', '--data', '/photos');
  const before = await readFile(join(out, 'recipe.json'), 'utf8');
  await expect(resume(...args)).rejects.toThrow(UsageError);
  await expect(resume(...args)).rejects.toThrow(message);
  await expect(resume(...args)).rejects.toThrow(out);
  expect(await readFile(join(out, 'recipe.json'), 'utf8')).toBe(before);
});

test('what computes may change; an engine comes without the device of the one before', async () => {
  await begin('--engine', 'xla', '--device', 'cuda', '--threads', '2');
  expect((await resume('--engine', 'tfjs')).values).toMatchObject({
    engine: 'tfjs',
    device: undefined,
    threads: 2,
  });
  expect((await resume('--threads', '5')).values).toMatchObject({
    engine: 'xla',
    device: 'cuda',
    threads: 5,
  });
});

test('what a checkpoint decided is no difference to the recipe that was named', async () => {
  await begin('--recipe', 'large', '--checkpoint', '/c');
  const { run, ...recipe } = JSON.parse(await readFile(join(out, 'recipe.json'), 'utf8'));
  await writeFile(join(out, 'recipe.json'), JSON.stringify({ ...recipe, width: 768, run }));
  expect((await resume('--recipe', 'large')).recipe.width).toBe(768);
  await expect(resume('--recipe', 'large', '--epochs', '4')).rejects.toThrow('epochs: 3 in the run, 4 now');
});

test('a folder without a run, and one with', async () => {
  await expect(resume()).rejects.toThrow(`There is no run to continue in ${out}`);
  await mkdir(join(out, 'checkpoints'));
  await writeFile(join(out, 'config.json'), '{}');
  expect((await resolved('--out', out)).out).toBe(out);
  await begin();
  await expect(resolved('--out', out)).rejects.toThrow(/holds a run. Add --resume/);
});

test('what the folder says is checked as what is typed', async () => {
  await begin();
  await writeFile(join(out, 'recipe.json'), JSON.stringify({ ...SMALL, run: { engine: 'torch' } }));
  await expect(resume()).rejects.toThrow(/In 'run' of .*recipe\.json: --engine is 'torch'/);
  await writeFile(join(out, 'recipe.json'), JSON.stringify({ ...SMALL, epochs: 0 }));
  await expect(resume()).rejects.toThrow(/epochs is 0; expected/);
});
