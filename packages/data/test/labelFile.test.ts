import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { classFolder, type LabelFileOptions, labelFile, labelFilePart } from '../src';
import { parseCsv } from '../src/labels/parseCsv';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'labels-'));
});
afterAll(() => rm(root, { recursive: true }));

let count = 0;

/** A folder of files of these names, and another with files of labels. */
async function folderWith(
  names: readonly string[],
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<{ folder: string; at: (file: string) => string }> {
  const folder = join(root, `photos-${count}`);
  const beside = join(root, `labels-${count++}`);
  const write = async (path: string, text: string | Uint8Array) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  };
  for (const name of names) await write(join(folder, name), '');
  for (const [name, text] of Object.entries(files)) await write(join(beside, name), text);
  return { folder, at: (file) => join(beside, file) };
}

const PICTURES = ['a.jpg', 'b.jpg', 'c.jpg', 'd.png'];

async function read(
  file: string,
  text: string | Uint8Array,
  options: Partial<LabelFileOptions> = {},
  pictures = PICTURES,
) {
  const { folder, at } = await folderWith(pictures, { [file]: text });
  const found = await labelFilePart(folder, { labels: at(file), part: 'all', ...options });
  const { classes, images, notes } = found;
  const labels = Object.fromEntries(
    [...images.source.names].map((name, i) => [name, images.labels[i]!.map((label) => classes[label]!)]),
  );
  return { ...found, labels, notes: notes.join(' ').replaceAll(at(file), 'FILE') };
}

const SETS = { 'a.jpg': ['cat', 'dog'], 'b.jpg': ['dog'], 'c.jpg': [], 'd.png': ['cat'] };
const csv = (...lines: readonly string[]) => lines.join('\n');

test.each<[string, string, string, RegExp]>([
  [
    'bars',
    'x.csv',
    csv('file_name,labels', 'a.jpg,cat|dog', 'b.jpg,dog', 'c.jpg,', 'd.png,cat'),
    /divided by '\|' \('cat\|dog'\)/,
  ],
  [
    'spaces, endings left out',
    'x.csv',
    csv('image_name,tags', 'a,cat dog', 'b,dog', 'c,', 'd,cat'),
    /divided by spaces/,
  ],
  [
    'semicolons, tabs',
    'x.tsv',
    csv('Image Index\tFinding Labels', 'a.jpg\tdog; cat', 'b.jpg\tdog', 'c.jpg\t', 'd.png\tcat'),
    /'Image Index'.*'Finding Labels'/,
  ],
  [
    'quotes, Windows, a byte order mark',
    'x.csv',
    `\uFEFF${['"path","labels"', '".\\a.jpg","cat, dog"', 'b.jpg,"dog"', '', 'c.jpg,""', 'd.png, cat '].join('\r\n')}\r\n`,
    /divided by ','/,
  ],
  [
    'columns of classes',
    'x.csv',
    csv('Path,Age,cat,dog', 'a.jpg,71,1.0,1', 'b.jpg,68,0,1', 'c.jpg,33,,0', 'd.png,9,1,False'),
    /the classes \('cat', 'dog'\) \(empty fields are 0\).* Not read: 'Age'\./,
  ],
  [
    'an index of pandas',
    'x.csv',
    csv(',id,tags', '0,a,cat|dog', '1,b,dog', '2,c,', '3,d,cat'),
    /pictures are in 'id'/,
  ],
  [
    'JSON Lines',
    'metadata.jsonl',
    csv(
      '{"file_name":"a.jpg","labels":["dog","cat"]}',
      '{"file_name":"b.jpg","labels":["dog"],"objects":{"bbox":[1]}}',
      '',
      '{"file_name":"c.jpg","labels":[]}',
      '{"labels":["cat"],"file_name":"d.png"}',
    ),
    /Not read: 'objects'/,
  ],
  [
    'an object by picture',
    'x.json',
    JSON.stringify({ 'a.jpg': ['cat', 'dog'], 'b.jpg': 'dog', 'c.jpg': [], 'd.png': 'cat' }),
    /labels in 'labels'\./,
  ],
  [
    'a list',
    'x.json',
    JSON.stringify([
      { image: 'a.jpg', cat: 1, dog: true },
      { image: 'b.jpg', cat: 0, dog: 1 },
      { image: 'c.jpg', cat: 0, dog: 0 },
      { image: 'd.png', cat: 1, dog: null },
    ]),
    /the classes \('cat', 'dog'\)/,
  ],
  [
    'objects as in COCO',
    'x.json',
    JSON.stringify({
      images: [
        { id: 7, file_name: 'a.jpg' },
        { id: 2, file_name: 'b.jpg' },
        { id: 3, file_name: 'c.jpg' },
        { id: 4, file_name: 'd.png' },
      ],
      annotations: [
        { image_id: 7, category_id: 18 },
        { image_id: 7, category_id: 17 },
        { image_id: 7, category_id: 17 },
        { image_id: 2, category_id: 18 },
        { image_id: 4, category_id: 17 },
      ],
      categories: [
        { id: 18, name: 'dog' },
        { id: 17, name: 'cat' },
      ],
    }),
    /4 pictures have labels, from 0 to 2 of each, 1\.00 on average\./,
  ],
])('several labels: %s', async (_, file, text, note) => {
  const { labels, classes, multiLabel, named, notes } = await read(file, text);
  expect(labels).toEqual(SETS);
  expect({ classes, multiLabel, named }).toEqual({ classes: ['cat', 'dog'], multiLabel: true, named: true });
  expect(notes).toMatch(note);
});

test('labels that were perhaps read otherwise than they are meant are told of', async () => {
  const doubtsOf = async (labels: readonly string[]) => {
    const pictures = labels.map((_, i) => `${i}.jpg`);
    const rows = labels.map((label, i) => `${i},${label}`);
    return (await read('x.csv', csv('id,labels', ...rows), {}, pictures)).notes;
  };
  expect(await doubtsOf(['a & b', 'a', 'b', 'b & a'])).toMatch(/without a letter or digit: '&'/);
  const slashes = Array.from({ length: 12 }, (_, i) => `a${i}/b${(i * 7) % 5}`);
  expect(await doubtsOf(slashes)).toMatch(
    /12 of the 12 classes are in one or two pictures, such as 'a0\/b0'/,
  );
  expect(await doubtsOf(['Cat', 'cat', 'dog', 'dog'])).toMatch(/differ in upper and lower case alone: 'cat'/);
  expect(await doubtsOf(['cat', 'dog|cat', 'dog', 'cat'])).not.toMatch(/perhaps|Perhaps|differ/);
});

test('one label for each picture in the whole file is one label, unless something else is said', async () => {
  const text = csv('id,breed', 'a,golden retriever', 'b,"tabby, a cat"', 'c,golden retriever', 'd,newt');
  const one = await read('x.csv', text);
  expect(one.classes).toEqual(['golden retriever', 'newt', 'tabby, a cat']);
  expect(one.multiLabel).toBe(false);
  expect(one.notes).toMatch(/labels in 'breed', not divided \('golden retriever' is one\)/);
  expect((await read('x.csv', text, { multiLabel: true })).multiLabel).toBe(true);
  const several = csv('id,label', 'a,x|y', 'b,x', 'c,y', 'd,x');
  await expect(read('x.csv', several, { multiLabel: false })).rejects.toThrow(
    /x\.csv, line 2: 'a' has the labels 'x', 'y'; expected one\./,
  );
  expect((await read('x.csv', several, { divider: null })).classes).toEqual(['x', 'x|y', 'y']);
  const none = csv('id,label', 'a,x', 'b,', 'c,y', 'd,x');
  await expect(read('x.csv', none, { multiLabel: false })).rejects.toThrow(/line 3: 'b' has no label/);
});

test.each<[string, readonly string[], readonly string[]]>([
  [
    'names of several words',
    ['golden retriever', 'labrador retriever', 'tabby cat'],
    ['golden retriever', 'labrador retriever', 'tabby cat'],
  ],
  [
    'words that stand alone too',
    ['haze primary', 'primary', 'clear water'],
    ['clear', 'haze', 'primary', 'water'],
  ],
  ['more combinations than words', ['a b', 'b c', 'a c', 'a b c'], ['a', 'b', 'c']],
])('spaces in a column of labels: %s', async (_, values, classes) => {
  const rows = values.map((value, i) => `${i}.jpg,${value}`);
  const names = values.map((_, i) => `${i}.jpg`);
  expect((await read('x.csv', csv('file,labels', ...rows), {}, names)).classes).toEqual(classes);
});

test('numbers stay names, in their order, unless they are given names', async () => {
  const text = csv('Id,Target', 'a,16 0', 'b,2.0', 'c,10', 'd,2');
  const numbers = await read('x.csv', text);
  expect(numbers.classes).toEqual(['0', '2', '10', '16']);
  expect(numbers.named).toBe(false);
  expect(numbers.labels['a.jpg']).toEqual(['0', '16']);
  const classNames = Array.from({ length: 17 }, (_, i) => `class of ${i}`);
  const named = await read('x.csv', text, { classNames });
  expect([named.named, named.classes.length]).toEqual([true, 17]);
  expect(named.labels['a.jpg']).toEqual(['class of 0', 'class of 16']);
  await expect(read('x.csv', text, { classNames: classNames.slice(0, 16) })).rejects.toThrow(
    /line 2: there is no class '16'; expected one of the 16/,
  );
  const words = csv('Id,Target', 'a,x', 'b,y', 'c,x', 'd,x');
  expect((await read('x.csv', words, { classNames: ['y', 'z', 'x'] })).labels['a.jpg']).toEqual(['x']);
});

test.each<[string, string, string | Uint8Array, RegExp]>([
  [
    'a picture that is not there',
    'x.csv',
    csv('file,label', 'a.jpg,x', 'e.jpg,y', 'f.jpg,y'),
    /2 of the 3 pictures of .*x\.csv are not in '.*': 'e\.jpg', 'f\.jpg'\. The pictures there are called e\.g\. 'a\.jpg'\./,
  ],
  ['one twice', 'x.csv', csv('file,label', 'a.jpg,x', 'a.jpg,y'), /line 3: 'a\.jpg' stands in line 2 too/],
  [
    'one under two names',
    'x.csv',
    csv('file,label', 'a.jpg,x', 'a,y'),
    /line 3: 'a' is 'a\.jpg', which is in line 2 too/,
  ],
  ['a missing field', 'x.csv', csv('file,label,more', 'a.jpg,x'), /line 2: 2 fields; expected 3/],
  [
    'an open quotation',
    'x.csv',
    csv('file,label', 'a.jpg,"x', 'b.jpg,y'),
    /line 2: a quotation mark is not closed/,
  ],
  ['text behind one', 'x.csv', csv('file,label', '"a.jpg"x,y'), /line 2: 'x,y' stands behind a closing/],
  ['no header', 'x.csv', csv('a.jpg,x', 'b.jpg,y'), /begins with 'a\.jpg', a picture; expected a header/],
  ['one column', 'x.csv', csv('file', 'a.jpg'), /line 1: the header has one column/],
  ['nothing', 'x.csv', '', /is empty/],
  ['a header alone', 'x.csv', 'file,label', /names no picture/],
  [
    'two columns of labels',
    'x.csv',
    csv('file,label,tags', 'a.jpg,x,y'),
    /several columns of labels: 'label', 'tags'/,
  ],
  [
    'none',
    'x.csv',
    csv('file,width,height', 'a.jpg,3,4'),
    /no column that is called labels.*: 'width', 'height'/,
  ],
  ['a class twice', 'x.csv', csv('file,x,x', 'a.jpg,1,0'), /has the class 'x' twice/],
  [
    'uncertain',
    'x.csv',
    csv('file,x,y', 'a.jpg,1,0', 'b.jpg,1,0', 'c.jpg,-1,1'),
    /line 4: 'x' is '-1'; expected 0 or 1/,
  ],
  [
    'fractions',
    'x.csv',
    csv('file,label', 'a.jpg,0.5', 'b.jpg,2'),
    /numbers such as '0\.5'; expected classes/,
  ],
  [
    'a list of Python',
    'x.csv',
    csv('file,label', "a.jpg,\"['x', 'y']\""),
    /line 2: 'label' is '\['x', 'y'\]', a list/,
  ],
  [
    'a part that is none',
    'x.csv',
    csv('file,label,split', 'a.jpg,x,train', 'b.jpg,y,'),
    /line 3: 'split' is ''; expected train/,
  ],
  ['one class', 'x.csv', csv('file,label', 'a.jpg,x'), /one class, 'x'; expected two or more/],
  [
    'a name that is too long',
    'x.csv',
    csv('file,label', `a.jpg,${'x'.repeat(201)}`),
    /line 2: the label 'x+\.\.\.' has 201 characters/,
  ],
  ['no UTF-8', 'x.csv', Uint8Array.of(0x66, 0xff, 0xfe), /no text in UTF-8/],
  ['no JSON', 'x.json', '{"a.jpg": ', /is no JSON: /],
  ['a JSON number', 'x.json', '7', /is '7'; expected a list or an object/],
  [
    'an object for labels',
    'x.json',
    '{"a.jpg": {"x": 1}}',
    /entry 1: 'a\.jpg' has '\{"x":1\}'; expected labels/,
  ],
  [
    'a line that is no object',
    'x.jsonl',
    csv('{"file_name":"a.jpg","label":"x"}', '[1]'),
    /line 2: '\[1\]'; expected an object/,
  ],
  [
    'an object of labels in a line',
    'x.jsonl',
    csv('{"file_name":"a.jpg","label":{"x":1}}'),
    /line 1: 'label' is no label/,
  ],
  [
    'an annotation of no image',
    'x.json',
    JSON.stringify({
      images: [],
      annotations: [{ image_id: 1, category_id: 1 }],
      categories: [{ id: 1, name: 'x' }],
    }),
    /annotations\[0\]: expected an object with image_id/,
  ],
  [
    'a way out of the folder',
    'x.csv',
    csv('file,label', '../labels-0/x.csv,x', '/etc/passwd,y'),
    /2 of the 2 pictures/,
  ],
])('is refused: %s', async (_, file, text, message) => {
  await expect(read(file, text)).rejects.toThrow(message);
});

test('an ending that is left out must leave one picture', async () => {
  await expect(read('x.csv', csv('id,label', 'a,x', 'b,y'), {}, ['a.jpg', 'a.png', 'b.jpg'])).rejects.toThrow(
    /line 2: 'a' may be 'a\.jpg' or 'a\.png'; give the ending/,
  );
});

test('pictures are named from where the file lies, as Hugging Face does it', async () => {
  const { folder } = await folderWith(['train/a.jpg', 'train/b.jpg', 'test/a.jpg'], {});
  const labels = join(folder, 'train/metadata.csv');
  await writeFile(labels, csv('file_name,label', 'a.jpg,x', 'b.jpg,y'));
  const { images, notes } = await labelFilePart(folder, { labels });
  expect([...images.source.names]).toEqual(['train/a.jpg', 'train/b.jpg']);
  expect(notes.join()).toMatch(/left out: 1 of the folder, such as 'test\/a\.jpg'/);
});

describe('parts', () => {
  const names = ['a.jpg', 'b.jpg', 'c.jpg', 'd.png'];
  const partsOf = async (files: Record<string, string>, pictures = names, options = {}) => {
    const { folder, at } = await folderWith(pictures, files);
    const [labels, validationLabels] = Object.keys(files).map(at);
    const { train, validation } = await labelFile(folder, { labels: labels!, validationLabels, ...options });
    return [[...train.source.names], [...validation.source.names]];
  };
  const rows = ['a.jpg,x,train', 'b.jpg,y,Train', 'c.jpg,x,val', 'd.png,y,test'];
  test('are a column', async () => {
    const split = csv('file,label,split', ...rows);
    expect(await partsOf({ 'x.csv': split })).toEqual([['a.jpg', 'b.jpg'], ['c.jpg']]);
    const { folder, at } = await folderWith(names, { 'x.csv': split });
    const part = async (part?: 'test' | 'all') =>
      [...(await labelFilePart(folder, { labels: at('x.csv'), part })).images.source.names].join(' ');
    expect([await part(), await part('test'), await part('all')]).toEqual([
      'c.jpg',
      'd.png',
      names.join(' '),
    ]);
  });
  test('are two files', async () => {
    const files = { 'x.csv': csv('file,label', 'a.jpg,x', 'b.jpg,y'), 'y.csv': csv('file,label', 'c.jpg,x') };
    expect(await partsOf(files)).toEqual([['a.jpg', 'b.jpg'], ['c.jpg']]);
    const twice = { ...files, 'y.csv': csv('file,label', 'c.jpg,x', 'a.jpg,x') };
    await expect(partsOf(twice)).rejects.toThrow(/y\.csv, line 3: 'a\.jpg' is in .*x\.csv too, to train on/);
    const both = { ...files, 'y.csv': csv('file,label,split', 'c.jpg,x,val') };
    await expect(partsOf(both)).rejects.toThrow(/has parts, and so are the two files/);
    const others = { 'x.csv': csv('file,x,y', 'a.jpg,1,1'), 'y.csv': csv('file,x,z', 'b.jpg,0,1') };
    await expect(partsOf(others)).rejects.toThrow(/do not have the same classes: 'z', 'y'/);
  });
  test('are folders', async () => {
    const pictures = ['train/a.jpg', 'train/b.jpg', 'val/c.jpg'];
    const text = csv('file,label', ...pictures.map((name, i) => `${name},${'xy'[i % 2]}`));
    expect(await partsOf({ 'x.csv': text }, pictures)).toEqual([pictures.slice(0, 2), ['val/c.jpg']]);
  });
  test('missing ones are named', async () => {
    const text = csv('file,label,split', 'a.jpg,x,val', 'b.jpg,y,val');
    await expect(partsOf({ 'x.csv': text })).rejects.toThrow(/no picture with a label to train on/);
    await expect(partsOf({ 'x.csv': text.replaceAll('val', 'train') })).rejects.toThrow(/to validate with/);
    const { folder, at } = await folderWith(names, { 'x.csv': text });
    await expect(labelFilePart(folder, { labels: at('x.csv'), part: 'test' })).rejects.toThrow(
      /no part 'test'; it has 'validation'/,
    );
  });
});

test('what is held out of a file is what is held out of the same pictures in folders', async () => {
  const pictures = ['cat', 'dog', 'newt'].flatMap((name, c) =>
    Array.from({ length: 7 + 5 * c }, (_, i) => `${name}/${i}.jpg`),
  );
  const text = csv('file,label', ...pictures.map((name) => `${name},${name.split('/')[0]}`).reverse());
  const { folder, at } = await folderWith(pictures, { 'x.csv': text });
  for (const seed of [0, 5]) {
    const [folders, file] = [
      await classFolder(folder, { seed }),
      await labelFile(folder, { labels: at('x.csv'), seed }),
    ];
    for (const part of ['train', 'validation'] as const) {
      expect([...file[part].source.names]).toEqual([...folders[part].source.names]);
      expect(file[part].labels.flat()).toEqual([...folders[part].labels]);
    }
  }
});

test('of several labels, a share of every rarest class is held out; of one or two pictures none', async () => {
  const sets = Array.from({ length: 60 }, (_, i) => [
    'all',
    ...(i < 10 ? ['ten'] : []),
    ...(i === 0 ? ['one'] : []),
  ]);
  const names = sets.map((_, i) => `${i}.jpg`);
  const text = JSON.stringify(Object.fromEntries(names.map((name, i) => [name, sets[i]])));
  const { folder, at } = await folderWith(names, { 'x.json': text });
  const { classes, train, validation } = await labelFile(folder, { labels: at('x.json') });
  const counts = (labels: readonly (readonly number[])[]) =>
    Object.fromEntries(classes.map((name, c) => [name, labels.filter((set) => set.includes(c)).length]));
  expect(counts(validation.labels)).toEqual({ all: 12, ten: 2, one: 0 });
  expect(counts(train.labels)).toEqual({ all: 48, ten: 8, one: 1 });
});

test('CSV: whatever is written with quotation marks is read', () => {
  const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ';', '\t', 'é'), maxLength: 6 });
  fc.assert(
    fc.property(fc.array(fc.tuple(field, field), { minLength: 1 }), (rows) => {
      const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const text = ['x,y', ...rows.map((row) => row.map(quoted).join(','))].join('\n');
      const read = parseCsv(text, 'x.csv').rows.map(({ fields }) => fields);
      expect(read).toEqual(rows.map((row) => row.map((value) => value.trim())));
    }),
    { seed: 1, numRuns: 200 },
  );
});
