/** Files of formats that sharp does not read, or in fewer bits than they have, against Pillow. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { IMAGE_EXTENSIONS, readPixels } from '../src';
import { decodePixels } from '../src/pixels/decodePixels';

interface Fixture {
  readonly width: number;
  readonly height: number;
  readonly files: Readonly<Record<string, { readonly base64: string; readonly rgb: readonly number[] }>>;
}
const fixture: Fixture = JSON.parse(readFileSync(join(__dirname, 'fixtures/formats.json'), 'utf8'));

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'beit-formats-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const read = async (name: string, bytes: Uint8Array) => {
  await writeFile(join(directory, name), bytes);
  return readPixels({ kind: 'folder', directory, names: [name] }, 0);
};
const colors = ({ data, channels }: { data: Uint8Array; channels: number }) =>
  [...data].filter((_, i) => i % channels !== 3);

test.each(Object.entries(fixture.files))("%s has Pillow's colours", async (name, { base64, rgb }) => {
  const bytes = Buffer.from(base64, 'base64');
  const pixels = await read(name, bytes);
  expect([pixels.width, pixels.height]).toEqual([fixture.width, fixture.height]);
  expect(colors(pixels)).toEqual(rgb);
  // Out of a shard it has no name.
  expect(await decodePixels(bytes)).toEqual(pixels);
});

test.each(Object.keys(fixture.files).filter((name) => /\.(bmp|p.m)$/.test(name)))(
  '%s that is cut off is refused',
  async (name) => {
    const bytes = Buffer.from(fixture.files[name]!.base64, 'base64');
    await expect(read(`short-${name}`, bytes.subarray(0, bytes.length - 40))).rejects.toThrow(/cut off/);
  },
);

test('a header that claims too many pixels is refused before memory is taken', async () => {
  const bmp = Buffer.from(fixture.files['rgb.bmp']!.base64, 'base64');
  bmp.writeInt32LE(60_000, 18);
  bmp.writeInt32LE(60_000, 22);
  await expect(read('huge.bmp', bmp)).rejects.toThrow(/60000x60000 pixels are more than the limit/);
  await expect(read('huge.ppm', Buffer.from('P6 60000 60000 255\n'))).rejects.toThrow(/more than the limit/);
  await expect(read('loud.pgm', Buffer.from('P2 1 1 7 9'))).rejects.toThrow(
    'a level of 9; expected at most 7',
  );
});

test('levels of 16 bits are scaled where one is above 255, and black stays black', async () => {
  const of = (levels: readonly number[]) =>
    sharp(Uint16Array.from(levels), { raw: { width: levels.length, height: 1, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
  expect(colors(await read('deep.png', await of([0, 257 * 40, 65535])))).toEqual([
    0, 0, 0, 40, 40, 40, 255, 255, 255,
  ]);
  expect(colors(await read('dark.png', await of([0, 200, 256])))).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1]);
  expect(colors(await read('black.png', await of([0, 0])))).toEqual([0, 0, 0, 0, 0, 0]);
});

test('levels of 8 bits in 16 are those that were written, in no more memory than a picture of 8', async () => {
  const [width, height] = [16, 16];
  const pixelOf = (i: number) => Math.floor(i / 4);
  const levels = Uint16Array.from(
    { length: 4 * width * height },
    (_, i) => (i % 4 === 3 ? 257 : 1) * pixelOf(i),
  );
  const file = await sharp(levels, { raw: { width, height, channels: 4 } })
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  const decoded: number[] = [];
  const toBuffer: (...options: unknown[]) => Promise<Buffer | { data: Buffer }> = sharp.prototype.toBuffer;
  const spy = jest.spyOn(sharp.prototype, 'toBuffer').mockImplementation(async function (
    this: Sharp,
    ...options
  ) {
    const result = await toBuffer.apply(this, options);
    decoded.push('data' in result ? result.data.length : result.length);
    return result;
  });
  const { data, channels } = await read('levels.png', file).finally(() => spy.mockRestore());
  expect(channels).toBe(4);
  expect(Array.from(data)).toEqual(Array.from({ length: 4 * width * height }, (_, i) => pixelOf(i)));
  expect(decoded).toEqual([4 * width * height, 4 * width * height]);
});

test('a JPEG file by another name is decoded as one', async () => {
  const jpeg = await sharp({ create: { width: 9, height: 9, channels: 3, background: '#80c040' } })
    .jpeg()
    .toBuffer();
  const expected = await read('a.jpg', jpeg);
  for (const ending of ['.jfif', '.jpe']) {
    expect(IMAGE_EXTENSIONS).toContain(ending);
    expect(await read(`a${ending}`, jpeg)).toEqual(expected);
  }
});
