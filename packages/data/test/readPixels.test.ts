import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import * as fc from 'fast-check';
import sharp from 'sharp';
import { BEIT_CROP, type FolderSource, randomCropBox, readPixels } from '../src';

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
