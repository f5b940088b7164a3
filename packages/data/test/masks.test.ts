/** Masks as files, what their numbers mean, and how that is found. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import {
  ColorMaskError,
  chooseLabels,
  fitLabels,
  LABEL_NUMBERS,
  type LabelNumbers,
  numberOfClass,
  readAnnotation,
  readMask,
  readMaskColors,
  surveyMasks,
} from '../src';

const FIXTURES = join(__dirname, 'fixtures', 'masks');
const fixture = (name: string) => join(FIXTURES, name);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'masks-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function writeMask(name: string, values: readonly number[]): Promise<string> {
  const raw = { width: values.length, height: 1, channels: 1 } as const;
  const png = await sharp(Uint8Array.from(values), { raw }).toColourspace('b-w').png().toBuffer();
  await writeFile(join(folder, name), png);
  return name;
}

describe('files', () => {
  test.each([
    'gray.png',
    'gray.tif',
    'lzw.tif',
    'wide.png',
    'wide.tif',
    'bits.png',
    'bits.tif',
    'palette.png',
    'gray-palette.png',
  ])('%s has the numbers that Pillow reads', async (name) => {
    const expected = JSON.parse(await readFile(fixture('numbers.json'), 'utf8'))[name];
    const { width, height, numbers } = await readMask(fixture(name));
    expect([width, height, [...numbers]]).toEqual([4, 2, expected]);
  });

  test.each([
    ['gray-palette.tif', /of kind 'palette'.*expected one of gray levels/],
    ['palette.tif', /of kind 'palette'/],
    ['int32.tif', /of the type int, 32 bits; expected 1, 2, 4, 8 or 16/],
    ['float.tif', /of the type float, 32 bits/],
  ])('%s is refused: its numbers would be others', async (name, message) => {
    await expect(readMask(fixture(name))).rejects.toThrow(message);
  });

  describe('labels.py', () => {
    interface Labels {
      readonly numbers: Readonly<Record<string, number[]>>;
      readonly files: Readonly<Record<string, string>>;
      readonly whiteIsZero: string;
    }
    const labels = async (): Promise<Labels> =>
      JSON.parse(gunzipSync(await readFile(join(__dirname, 'fixtures', 'labels.json.gz'))).toString());

    test('the numbers are as they are stored, whatever else is in a PNG or TIFF file', async () => {
      const { numbers, files } = await labels();
      const others: string[] = [];
      for (const [name, file] of Object.entries(files)) {
        const path = join(folder, 'mask');
        await writeFile(path, Buffer.from(file, 'base64'));
        const mask = await readMask(path);
        const expected = numbers[name.split(' ')[1]!]!;
        if (mask.width !== 9 || mask.height !== 5 || mask.numbers.join() !== expected.join())
          others.push(name);
      }
      expect([others, Object.keys(files).length]).toEqual([[], 280]);
    });

    test('a TIFF file with 0 as white is refused: of programs, some turn its numbers around', async () => {
      await writeFile(join(folder, 'mask.tif'), Buffer.from((await labels()).whiteIsZero, 'base64'));
      await expect(readMask(join(folder, 'mask.tif'))).rejects.toThrow("of kind 'gray with 0 as white'");
    });
  });

  test('a TIFF file is read upright, as Pillow reads it, whichever way it is stored', async () => {
    const stored = Buffer.from(
      'SUkqAAgAAAAKAAABBAABAAAABgAAAAEBBAABAAAABAAAAAIBAwABAAAACAAAAAMBAwABAAAAAQAAAAYBAwABAAAAAQAAABEBBAABAAAAhgAAABIBAwABAAAABgAAABYBBAABAAAABAAAABcBBAABAAAAGAAAABwBAwABAAAAAQAAAAAAAAAHAAAAAAAAAAAAAAMAAAAAAAAAAAAAAAA=',
      'base64',
    );
    const orientation = stored.indexOf(Buffer.from([0x12, 0x01, 3, 0, 1, 0, 0, 0])) + 8;
    // 7 in the first place and 3 at the end of the second row, of 4 rows of 6.
    const places = [
      ['6x4', 0, 11],
      ['6x4', 5, 6],
      ['6x4', 23, 12],
      ['6x4', 18, 17],
      ['4x6', 0, 21],
      ['4x6', 3, 22],
      ['4x6', 23, 2],
      ['4x6', 20, 1],
    ];
    for (const [i, expected] of places.entries()) {
      stored[orientation] = i + 1;
      await writeFile(join(folder, 'turned.tif'), stored);
      const { width, height, numbers } = await readMask(join(folder, 'turned.tif'));
      expect([`${width}x${height}`, numbers.indexOf(7), numbers.indexOf(3)]).toEqual(expected);
      const { colors, ...size } = await readMaskColors(join(folder, 'turned.tif'));
      expect([`${size.width}x${size.height}`, colors.indexOf(0x070707), colors.indexOf(0x030303)]).toEqual(
        expected,
      );
    }
  });

  test('one in colors is told from all others, and has its colors', async () => {
    await expect(readMask(fixture('rgb.tif'))).rejects.toThrow(ColorMaskError);
    const { colors } = await readMaskColors(fixture('rgb.tif'));
    expect([...colors]).toEqual([0, 1, 2, 3, 255, 254, 7, 18].map((level) => level * 0x010101));
    const { colors: ofPalette } = await readMaskColors(fixture('palette.png'));
    expect([...ofPalette].slice(0, 3)).toEqual([0x000000, 0x070d1d, 0x0e1a3a]);
  });

  test('JPEG has no exact colors', async () => {
    const raw = { width: 2, height: 1, channels: 3 } as const;
    await sharp(new Uint8Array(6), { raw }).jpeg().toFile(join(folder, 'a.jpg'));
    await expect(readMaskColors(join(folder, 'a.jpg'))).rejects.toThrow('not a PNG file');
  });
});

describe('numbers', () => {
  test.each<[LabelNumbers, number, number[], number[]]>([
    ['ade20k', 3, [0, 1, 3, 255], [255, 0, 2, 255]],
    ['from-zero', 3, [0, 1, 2, 255], [0, 1, 2, 255]],
    ['binary', 2, [0, 255, 255, 0], [0, 1, 1, 0]],
  ])('%s', async (labels, numClasses, numbers, classes) => {
    const mask = join(folder, await writeMask('a.png', numbers));
    expect([...(await readAnnotation(mask, { labels, numClasses })).labels]).toEqual(classes);
  });

  test('of 16 bits: 65535 is none, or the object of two classes', async () => {
    const read = async (labels: LabelNumbers, numbers: readonly number[]) => {
      const raw = { width: numbers.length, height: 1, channels: 1, depth: 'ushort' } as const;
      const path = join(folder, 'wide.png');
      await sharp(Uint16Array.from(numbers), { raw }).toColourspace('grey16').png().toFile(path);
      return [...(await readAnnotation(path, { labels, numClasses: 2 })).labels];
    };
    expect(await read('from-zero', [0, 1, 65535])).toEqual([0, 1, 255]);
    expect(await read('ade20k', [0, 1, 2, 65535])).toEqual([255, 0, 1, 255]);
    expect(await read('binary', [0, 65535])).toEqual([0, 1]);
    await expect(read('binary', [0, 256])).rejects.toThrow('column 1, row 0 is 256; expected 0 or 255');
  });

  test('a class comes back from its number', () => {
    for (const labels of LABEL_NUMBERS) {
      const numClasses = labels === 'binary' ? 2 : 254;
      const numbers = Array.from({ length: numClasses }, (_, label) => numberOfClass(label, labels));
      const { missing, strays } = fitLabels(numbers, { labels, numClasses });
      expect([missing, strays, Math.max(...numbers) < 256]).toEqual([[], [], true]);
    }
  });

  test('binary of three classes is refused', () => {
    expect(() => fitLabels([0], { labels: 'binary', numClasses: 3 })).toThrow('there are 3 classes');
  });
});

const upTo = (last: number) => Array.from({ length: last + 1 }, (_, number) => number);

describe('what numbers mean', () => {
  test.each<[string, number[], number, LabelNumbers | undefined]>([
    ['0 and 255, as most tools write two classes', [0, 255], 2, 'binary'],
    ['0 and 1, of a background and an object', [0, 1], 2, 'from-zero'],
    ['from 0, 255 is void', [0, 1, 2, 255], 3, 'from-zero'],
    ['from 0, 255 is void, and a class is nowhere', [0, 1, 255], 3, 'from-zero'],
    ["ADE20K's", upTo(150), 150, 'ade20k'],
    ["ADE20K's without a pixel of none", upTo(150).slice(1), 150, 'ade20k'],
    ["CamVid's 11 classes and 0", upTo(11), 11, 'ade20k'],
    ["Cityscapes' train ids", [...upTo(18), 255], 19, 'from-zero'],
    ['a class is missing at the end, or 0 is one', [1, 2], 3, undefined],
    ['two are missing', [0, 1], 3, undefined],
    ['more numbers than names', [0, 1, 2, 3], 2, undefined],
    ['no number at all', [], 2, undefined],
    ['the smooth edges of a resized mask', [0, 12, 130, 255], 2, undefined],
  ])('%s', (_, numbers, numClasses, labels) => {
    expect(chooseLabels(numbers, numClasses)).toBe(labels);
  });

  test('what is chosen gives every number a meaning and some pixel a class', () => {
    const numbers = fc.uniqueArray(fc.constantFrom(...upTo(6), 255), { minLength: 1 });
    fc.assert(
      fc.property(numbers, fc.integer({ min: 2, max: 5 }), (numbers, numClasses) => {
        const labels = chooseLabels(numbers, numClasses);
        if (labels === undefined) return;
        const { strays, present } = fitLabels(numbers, { labels, numClasses });
        expect(strays).toEqual([]);
        expect(present.length).toBeGreaterThan(0);
      }),
      { seed: 1 },
    );
  });
});

test('a survey counts some masks of many, evenly, and names those that it cannot read', async () => {
  const annotations: string[] = [];
  for (let i = 0; i < 20; i++) annotations.push(await writeMask(`${i}.png`, [i, i, 255]));
  await writeFile(join(folder, '10.png'), 'no picture');
  await writeFile(join(folder, '15.png'), await readFile(fixture('rgb.tif')));
  const all = await surveyMasks({ directory: folder, annotations });
  expect([all.masks, all.seen, all.numbers.size, all.colored]).toEqual([20, 20, 19, ['15.png']]);
  expect(all.numbers.get(255)).toEqual({ pixels: 18, mask: '0.png' });
  expect(all.unreadable.map(({ name }) => name)).toEqual(['10.png', '15.png']);
  const some = await surveyMasks({ directory: folder, annotations }, { sample: 4 });
  expect([...some.numbers.keys()]).toEqual([0, 5, 255]);
  expect(some.seen).toBe(4);
});
