import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { above, fields, oneOfNames, pair, recipeName, whole, z } from '@beit/schemas';
import { overlay, readRecipe } from '../src/recipeFile';

const schema = fields({
  name: recipeName,
  epochs: above(0),
  clipNorm: above(0).optional(),
  betas: pair(above(0)),
  model: fields({ depth: whole(1), style: oneOfNames(['pre', 'post']) }),
  masking: z.discriminatedUnion(
    'kind',
    [
      fields({ kind: z.literal('block'), smallest: whole(1) }),
      fields({ kind: z.literal('random'), share: above(0) }),
    ],
    { error: 'expected one of block, random' },
  ),
});
type Recipe = z.infer<typeof schema>;
const SMALL: Recipe = {
  name: 'small',
  epochs: 3,
  clipNorm: 1,
  betas: [0.9, 0.99],
  model: { depth: 2, style: 'pre' },
  masking: { kind: 'block', smallest: 4 },
};

describe('overlay', () => {
  test('merges objects, replaces all else, takes away with null', () => {
    expect(overlay(SMALL, { epochs: 5, betas: [1, 1], model: { depth: 9 }, clipNorm: null })).toEqual({
      name: 'small',
      epochs: 5,
      betas: [1, 1],
      model: { depth: 9, style: 'pre' },
      masking: { kind: 'block', smallest: 4 },
    });
  });
  test('replaces an object of another kind, and merges one of the same', () => {
    const masking = (patch: object) => (overlay(SMALL, { masking: patch }) as Recipe).masking;
    expect(masking({ kind: 'random', share: 0.4 })).toEqual({ kind: 'random', share: 0.4 });
    expect(masking({ kind: 'block' })).toEqual(SMALL.masking);
    expect(masking({ smallest: 7 })).toEqual({ kind: 'block', smallest: 7 });
  });
  test('changes neither of the two, nor any prototype', () => {
    const before = JSON.stringify(SMALL);
    const result = overlay(
      SMALL,
      JSON.parse('{"__proto__": {"epochs": 9}, "model": {"__proto__": {"x": 1}}}'),
    );
    expect(JSON.stringify(SMALL)).toBe(before);
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect((result as Recipe).epochs).toBe(3);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});

describe('a recipe', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recipes-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const file = async (content: unknown, name = 'mine.json') => {
    const path = join(folder, name);
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  const read = (nameOrPath: string) => readRecipe(nameOrPath, [SMALL], schema);

  test('has a name', async () => {
    expect(await read('small')).toBe(SMALL);
    await expect(read('large')).rejects.toThrow(
      "There is no recipe 'large'. Recipes: small, or the path of a .json",
    );
  });
  test('is a named one with what a file says otherwise, called like the file', async () => {
    expect(await read(await file({ extends: 'small', model: { depth: 12 } }))).toEqual({
      ...SMALL,
      name: 'mine',
      model: { depth: 12, style: 'pre' },
    });
    expect((await read(await file({ extends: 'small', name: 'other' }))).name).toBe('other');
  });
  test('is a whole file, with how it was run or without', async () => {
    expect(await read(await file({ ...SMALL, run: { engine: 'tfjs' } }))).toEqual(SMALL);
    expect(await read(await file(SMALL))).toEqual(SMALL);
    await expect(read(await file({ epochs: 3 }))).rejects.toThrow(
      /has no "extends", so it must be whole; to change a recipe: "extends": "small"\.\n {2}name is missing/,
    );
  });
  test.each([
    ['epochs is -3; expected a number above 0.', { epochs: -3 }],
    ['epochs is "3"; expected a number above 0.', { epochs: '3' }],
    ['epochs is missing; expected a number above 0.', { epochs: null }],
    ['clipNorm is []; expected a number above 0.', { clipNorm: [] }],
    ['betas is [1]; expected a list of two.', { betas: [1] }],
    ['betas.1 is 0; expected a number above 0.', { betas: [1, 0] }],
    ['model is 4; expected an object with the keys depth, style.', { model: 4 }],
    ['model.depth is 1.5; expected a whole number of at least 1.', { model: { depth: 1.5 } }],
    ['model.style is "mid"; expected one of pre, post.', { model: { style: 'mid' } }],
    ['model.dpeth is not known; expected an object with the keys depth, style.', { model: { dpeth: 3 } }],
    ['epoch is not known; expected an object with the keys name, epochs', { epoch: null }],
    ['masking.kind is "stripes"; expected one of block, random.', { masking: { kind: 'stripes' } }],
    ['masking.share is missing; expected a number above 0.', { masking: { kind: 'random' } }],
    ['name is "../up"; expected letters, digits', { name: '../up' }],
    ['extends is "large"; expected the name of a recipe: small.', { extends: 'large' }],
    ['__proto__ is not known; expected an object', '{"extends": "small", "__proto__": {"a": 1}}'],
    ['epochs is Infinity; expected a number above 0.', '{"extends": "small", "epochs": 1e999}'],
    ['is no JSON', '{'],
    ['holds []; expected a JSON object', '[]'],
    ['expected a text of at most 1048576', `{"name": "${'x'.repeat(2 ** 20)}"}`],
  ])('refused: %s', async (message, change) => {
    const content = typeof change === 'string' ? change : { extends: 'small', ...change };
    await expect(read(await file(content))).rejects.toThrow(message);
  });
  test('tells all that is wrong, up to eight', async () => {
    const path = await file({
      ...SMALL,
      epochs: 0,
      model: {},
      ...Object.fromEntries([...'abcdefgh'].map((k) => [k, 1])),
    });
    await expect(read(path)).rejects.toThrow(/epochs is 0.*model\.depth is missing.*and 3 more/s);
    await expect(read(join(folder, 'none.json'))).rejects.toThrow('There is no file');
    if (process.platform !== 'win32') {
      execFileSync('mkfifo', [join(folder, 'pipe.json')]);
      await expect(read(join(folder, 'pipe.json'))).rejects.toThrow('is no regular file; expected one');
    }
    await expect(read(`${folder}/./.json`)).rejects.toThrow('There is no file');
  });
});
