import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IMAGENET1K_CLASSES } from '@beit/classification';
import { distinct, namesFor, readClassNames } from '../src/classNames';
import { matchClasses } from '../src/matchClasses';

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const named = (...classes: string[]) => ({ classes, named: true });
const unnamed = (count: number) => ({ classes: numbers(count).map((i) => `class ${i}`), named: false });
const byNumber = (...labels: number[]) => ({ classes: labels.map(String), named: false });

describe('the classes of folders', () => {
  test('are the model’s in sorted order where it has no names: ten comes after one', () => {
    const folders = numbers(12).map(String).sort();
    expect(folders.slice(0, 4)).toEqual(['0', '1', '10', '11']);
    const { places, how } = matchClasses(named(...folders), unnamed(12), 'm');
    expect(places).toEqual(numbers(12));
    expect(how).toMatch(/no names.*class 0 is the first folder in sorted order, '0', class 11 the last, '9'/);
  });

  test('are found by name where it has names, white space aside', () => {
    const model = named('bed ', 'television\n  receiver', 'cat');
    const { places, how } = matchClasses(named('cat', 'television receiver', 'bed'), model, 'm');
    expect(places).toEqual([2, 1, 0]);
    expect(how).toMatch(/by their names/);
  });

  test('are found by WordNet ids: all of them, or some of ImageNet-1k', () => {
    expect(IMAGENET1K_CLASSES).toHaveLength(1000);
    const ids = IMAGENET1K_CLASSES.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(IMAGENET1K_CLASSES[0]).toEqual({ id: 'n01440764', name: 'tench, Tinca tinca' });
    const model = named(...IMAGENET1K_CLASSES.map(({ name }) => name));
    expect(matchClasses(named(...ids), model, 'm').places).toEqual(numbers(1000));
    expect(matchClasses(named(...ids), unnamed(1000), 'm').places).toEqual(numbers(1000));
    for (const own of [model, unnamed(1000)])
      expect(matchClasses(named(ids[3]!, ids[999]!), own, 'm').places).toEqual([3, 999]);
  });

  test('that cannot be told are an error, never a guess', () => {
    expect(() => matchClasses(named('a', 'b'), unnamed(3), 'm.pth')).toThrow(
      /m\.pth has 3 classes without names, the images have 2: 'a', 'b'\. .*--class-names FILE/,
    );
    expect(() => matchClasses(named('a', 'x'), named('a', 'b'), 'm.pth')).toThrow(
      /m\.pth does not know 'x'\. Its classes: 'a', 'b'/,
    );
    // As many, but of other names.
    expect(() => matchClasses(named('x', 'y'), named('a', 'b'), 'm')).toThrow(/does not know 'x', 'y'/);
    expect(() => matchClasses(named('crane', 'a'), named('crane', 'a', 'crane'), 'm')).toThrow(
      /does not know 'crane'/,
    );
    expect(() => matchClasses(named('n01440764', 'n99999999'), unnamed(1000), 'm')).toThrow(/without names/);
    expect(() => matchClasses(byNumber(0, 3), named('a', 'b'), 'm')).toThrow(/from 0 to 3, but m has 2/);
  });

  test('of shards and of files may be numbers, unless the model is called so', () => {
    expect(matchClasses(byNumber(0, 1), named('b', 'a', 'c'), 'm').places).toEqual([0, 1]);
    expect(matchClasses(byNumber(2, 0), unnamed(3), 'm').places).toEqual([2, 0]);
    expect(matchClasses(byNumber(1, 2), named('1', '2', '3'), 'm').places).toEqual([0, 1]);
  });
});

test('names come from a text, a JSON list, id2label with gaps, or the project', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'names-'));
  const read = async (content: string) => {
    await writeFile(join(folder, 'names'), content);
    return readClassNames(join(folder, 'names'));
  };
  expect(await read('cat\r\ndog \n sea  lion\n')).toEqual(['cat', 'dog', 'sea lion']);
  expect(await read('["cat", "dog"]')).toEqual(['cat', 'dog']);
  expect(await read('{"0": "cat", "2": "dog"}')).toEqual(['cat', undefined, 'dog']);
  await expect(read('{"cat": 0}')).rejects.toThrow(/class cat is 0; expected a text for a number/);
  await expect(read('[]')).rejects.toThrow(/expected a list of names/);
  await expect(read('[')).rejects.toThrow(/begins as JSON and is none/);
  expect((await readClassNames('imagenet-1k'))[999]).toMatch(/^toilet tissue/);
  await expect(readClassNames(join(folder, 'nowhere'))).rejects.toThrow(/There is no file '.*nowhere'/);
  await rm(folder, { recursive: true });

  expect(namesFor(['cat', undefined], 3, 'm')).toEqual(['cat', 'class 1', 'class 2']);
  expect(() => namesFor(['a', 'b', 'c'], 2, 'm')).toThrow(
    'There are 3 names of classes, but m has 2 classes; give as many.',
  );
  expect(distinct(['crane', 'a', 'crane'])).toEqual(['crane (class 0)', 'a', 'crane (class 2)']);
});
