import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { createRandom } from '@beit/random';
import * as fc from 'fast-check';
import sharp from 'sharp';
import { BEIT_CROP, type FolderSource, randomCropBox, readMask, readPixels } from '../src';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'beit-pixels-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const read = async (name: string, bytes: Uint8Array) => {
  await writeFile(join(directory, name), bytes);
  const source: FolderSource = { kind: 'folder', directory, names: [name] };
  return readPixels(source, 0);
};
const plain = (
  channels: 3 | 4,
  background: string | { r: number; g: number; b: number; alpha: number },
  width = 6,
  height = 4,
) => sharp({ create: { width, height, channels, background } });

test('gray, with and without opacity, becomes colour', async () => {
  const gray = await read('gray.png', await plain(3, '#808080').toColourspace('b-w').png().toBuffer());
  expect([gray.width, gray.height, gray.channels]).toEqual([6, 4, 3]);
  expect([...gray.data.subarray(0, 3)]).toEqual([128, 128, 128]);
  const half = { r: 128, g: 128, b: 128, alpha: 0.5 };
  const clear = await read('clear.png', await plain(4, half).toColourspace('b-w').png().toBuffer());
  expect(clear.channels).toBe(4);
  expect([...clear.data.subarray(0, 4)]).toEqual([128, 128, 128, 128]);
});

test('16 bits and CMYK become 8 bits of red, green and blue', async () => {
  const deep = await read('deep.png', await plain(3, '#ff8000').toColourspace('rgb16').png().toBuffer());
  expect([deep.channels, deep.data.length]).toEqual([3, 6 * 4 * 3]);
  expect([...deep.data.subarray(0, 3)]).toEqual([255, 128, 0]);
  const print = await read('print.jpg', await plain(3, 'white').toColourspace('cmyk').jpeg().toBuffer());
  expect([print.channels, print.data.length]).toEqual([3, 6 * 4 * 3]);
  expect(Math.min(...print.data)).toBeGreaterThan(240);
});

test('a camera’s orientation is applied', async () => {
  const turned = await read(
    'turned.jpg',
    await plain(3, 'red').withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  );
  expect([turned.width, turned.height]).toEqual([4, 6]);
});

test('a header that claims 60,000 x 60,000 pixels is refused before they are decoded', async () => {
  const png = await plain(3, 'red').png().toBuffer();
  png.writeUInt32BE(60_000, 16);
  png.writeUInt32BE(60_000, 20);
  await expect(read('huge.png', png)).rejects.toThrow(/pixel limit/);
});

test('boxes have an allowed area and aspect, but for rounding, where one fits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 600 }), fc.nat(), (side, seed) => {
      const { width, height } = randomCropBox(side, side, BEIT_CROP, createRandom(seed));
      const share = (width * height) / (side * side);
      expect(share).toBeGreaterThan(0.08 * 0.97);
      expect(share).toBeLessThanOrEqual(1);
      expect(width / height).toBeGreaterThan(0.75 * 0.97);
      expect(width / height).toBeLessThan(1.03 / 0.75);
    }),
    { seed: 3, numRuns: 300 },
  );
});

test('areas are spread evenly over the range', () => {
  const random = createRandom('areas');
  const crop = { scale: [0.1, 0.5], aspect: [1, 1] } as const;
  const shares = Array.from({ length: 2000 }, () => {
    const { width, height } = randomCropBox(400, 400, crop, random);
    return (width * height) / 160_000;
  });
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  // Five standard errors.
  expect(Math.abs(mean - 0.3)).toBeLessThan(5 * (0.4 / Math.sqrt(12 * 2000)));
});

test('an image that would take gigabytes or minutes is refused by its header, whatever its format', async () => {
  // One of 99,999,999 x 1 pixels takes libvips 2 GB, one of 1 x 99,999,999 minutes.
  const tiff = (width: number, height: number): Buffer => {
    const [SHORT, LONG] = [3, 4];
    const tags = [
      [256, LONG, width],
      [257, LONG, height],
      [258, SHORT, 8],
      [259, SHORT, 1],
      [262, SHORT, 1],
      [273, LONG, 8],
      [277, SHORT, 1],
      [278, LONG, height],
      [279, LONG, 1],
    ] as const;
    const file = Buffer.alloc(8 + 2 + 12 * tags.length + 4);
    file.write('II*\0', 'latin1');
    file.writeUInt32LE(8, 4);
    file.writeUInt16LE(tags.length, 8);
    for (const [i, [tag, kind, value]] of tags.entries()) {
      file.writeUInt16LE(tag, 10 + 12 * i);
      file.writeUInt16LE(kind, 12 + 12 * i);
      file.writeUInt32LE(1, 14 + 12 * i);
      file.writeUInt32LE(value, 18 + 12 * i);
    }
    return file;
  };
  const png = await plain(4, '#ff00ff80').png().toBuffer();
  const claiming = (width: number, height: number, bits: number) => {
    const file = Buffer.from(png);
    file.writeUInt32BE(width, 16);
    file.writeUInt32BE(height, 20);
    file[24] = bits;
    file.writeUInt32BE(crc32(file.subarray(12, 29)), 29);
    return file;
  };
  const bmp = Buffer.alloc(54);
  bmp.write('BM');
  bmp.writeUInt32LE(40, 14);
  bmp.writeInt32LE(1, 22);
  bmp.writeUInt16LE(32, 28);
  bmp.writeInt32LE(200_000, 18);
  const side = /are more on a side than the limit of 131072/;
  await expect(read('wide.tif', tiff(99_999_999, 1))).rejects.toThrow(side);
  await expect(read('tall.tif', tiff(1, 99_999_999))).rejects.toThrow(side);
  await expect(read('wide.png', claiming(200_000, 100, 8))).rejects.toThrow(side);
  await expect(read('wide.bmp', bmp)).rejects.toThrow(side);
  await expect(read('wide.pgm', Buffer.from('P5 1 200000 255\n'))).rejects.toThrow(side);
  await expect(read('deep.png', claiming(9_000, 9_000, 16))).rejects.toThrow(
    '9000x9000 pixels of 8 bytes take more than the limit of 536870912 bytes',
  );
  await expect(readMask(join(directory, 'wide.tif'))).rejects.toThrow(side);
  await expect(readMask(join(directory, 'tall.tif'))).rejects.toThrow(side);
});
