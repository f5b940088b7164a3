import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import sharp, { type JpegOptions } from 'sharp';
import { withCanvas } from '../src/loading/withCanvas';
import { decodeJpeg } from '../src/pixels/decodeJpeg';
import pillow from './fixtures/jpeg.json';

/** Waves and noise, `[height, width, 3]`. */
function picture(width: number, height: number) {
  const random = createRandom('jpeg', width, height);
  const data = Uint8ClampedArray.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return 128 + 90 * Math.sin((x * (1 + (i % 3)) + y) / 9) + 25 * random.normal();
  });
  return sharp(data, { raw: { width, height, channels: 3 } });
}
const encode = (width: number, height: number, options?: JpegOptions) =>
  picture(width, height).jpeg(options).toBuffer();

/** A JPEG file with Exif data that has one entry, besides that of a width. */
function withOrientation(jpeg: Buffer, orientation: number, order: 'II' | 'MM'): Buffer {
  const exif = Buffer.alloc(48);
  const [uint16, uint32] =
    order === 'II'
      ? (['writeUInt16LE', 'writeUInt32LE'] as const)
      : (['writeUInt16BE', 'writeUInt32BE'] as const);
  exif.writeUInt16BE(0xffe1, 0);
  exif.writeUInt16BE(exif.length - 2, 2);
  exif.write('Exif\0\0', 4, 'latin1');
  exif.write(order, 10, 'latin1');
  exif[uint16](42, 12);
  exif[uint32](8, 14);
  exif[uint16](2, 18);
  for (const [i, [tag, value]] of [
    [0x0100, 20],
    [0x0112, orientation],
  ].entries()) {
    const entry = 20 + 12 * i;
    exif[uint16](tag!, entry);
    exif[uint16](3, entry + 2);
    exif[uint32](1, entry + 4);
    exif[uint16](value!, entry + 8);
  }
  return Buffer.concat([jpeg.subarray(0, 2), exif, jpeg.subarray(2)]);
}

async function expectSame(bytes: Uint8Array): Promise<void> {
  const canvas = decodeJpeg(bytes)!;
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  expect([canvas.width, canvas.height, canvas.opaque]).toEqual([info.width, info.height, true]);
  const rgba = canvas.bytes();
  expect(Buffer.compare(Buffer.from(rgba.filter((_, i) => i % 4 < 3)), data)).toBe(0);
  expect(rgba.every((value, i) => i % 4 < 3 || value === 255)).toBe(true);
}

describe('pixels are libjpeg’s, to the bit', () => {
  for (const chromaSubsampling of ['4:2:0', '4:4:4']) {
    for (const [width, height] of [
      [6, 1],
      [7, 9],
      [16, 16],
      [33, 17],
      [131, 75],
    ] as const) {
      test(`${chromaSubsampling}, ${width}x${height}`, async () => {
        for (const quality of [10, 75, 92, 100])
          await expectSame(await encode(width, height, { quality, chromaSubsampling }));
      });
    }
  }
  test.each(Object.entries(pillow))('%s', (_, base64) => expectSame(Buffer.from(base64, 'base64')));
  test('one colour', async () => {
    const create = { width: 40, height: 24, channels: 3, background: '#c08040' } as const;
    await expectSame(await sharp({ create }).jpeg().toBuffer());
  });
  test('upright by its Exif data', async () => {
    const bytes = await encode(20, 10);
    await expectSame(withOrientation(bytes, 1, 'II'));
    await expectSame(withOrientation(bytes, 1, 'MM'));
  });
});

test('other kinds of files are left to sharp', async () => {
  const others: Record<string, Buffer> = {
    progressive: await encode(20, 10, { progressive: true }),
    gray: await picture(20, 10).toColourspace('b-w').jpeg().toBuffer(),
    cmyk: await picture(20, 10).toColourspace('cmyk').jpeg().toBuffer(),
    profile: await picture(20, 10).withIccProfile('p3').jpeg().toBuffer(),
    png: await picture(20, 10).png().toBuffer(),
    narrow: await encode(3, 10),
    turned: withOrientation(await encode(20, 10), 6, 'II'),
    mirrored: withOrientation(await encode(20, 10), 2, 'MM'),
    empty: Buffer.alloc(0),
  };
  for (const [name, bytes] of Object.entries(others))
    expect([name, decodeJpeg(bytes)]).toEqual([name, undefined]);
});

test('damaged files are left to sharp, wherever they end', async () => {
  const bytes = await encode(40, 24);
  for (let length = 0; length < bytes.length; length++)
    expect(decodeJpeg(bytes.subarray(0, length))).toBeUndefined();
  expect(decodeJpeg(bytes)).toBeDefined();
});

test('of files with wrong bytes, those that are decoded are as sharp decodes them', async () => {
  // Of the finest quality: a wrong factor makes coefficients that no picture has.
  const bases = [Buffer.from(Object.values(pillow)[1]!, 'base64'), await encode(24, 17, { quality: 100 })];
  const random = createRandom('wrong bytes');
  let decoded = 0;
  for (let i = 0; i < 600; i++) {
    const wrong = Buffer.from(bases[i % 2]!);
    const changes = random.integer(1, 3);
    for (let k = 0; k < changes; k++) wrong[random.integer(0, wrong.length - 1)] = random.integer(0, 255);
    if (!decodeJpeg(wrong)) continue;
    decoded++;
    await expectSame(wrong);
  }
  expect(decoded).toBeGreaterThan(100);
});

test('coefficients that no picture has are left to sharp', async () => {
  const bytes = await encode(24, 17, { quality: 100 });
  const factors = bytes.indexOf(Buffer.from([0xff, 0xdb])) + 5;
  for (const [factor, isOurs] of [
    [1, true],
    [2, true],
    [255, false],
  ] as const) {
    bytes[factors] = factor;
    if (isOurs) await expectSame(bytes);
    else expect(decodeJpeg(bytes)).toBeUndefined();
  }
});

test('red, green and blue by their names, unless a JFIF segment of full length says otherwise', async () => {
  const bytes = await encode(20, 10);
  const plain =
    bytes.indexOf(Buffer.from([0xff, 0xe0])) === 2
      ? bytes.subarray(4 + bytes.readUInt16BE(4))
      : bytes.subarray(2);
  const named = Buffer.from(plain);
  const frame = named.indexOf(Buffer.from([0xff, 0xc0]));
  const scan = named.indexOf(Buffer.from([0xff, 0xda]));
  for (const [i, letter] of [...'RGB'].entries()) {
    named[frame + 10 + 3 * i] = letter.charCodeAt(0);
    named[scan + 5 + 2 * i] = letter.charCodeAt(0);
  }
  const withJfif = (bytes: number) => {
    const segment = Buffer.alloc(4 + bytes);
    segment.writeUInt16BE(0xffe0, 0);
    segment.writeUInt16BE(2 + bytes, 2);
    segment.write('JFIF\0\x01', 4, 'latin1');
    return Buffer.concat([Buffer.from([0xff, 0xd8]), segment, named]);
  };
  for (const short of [5, 7, 13]) expect(decodeJpeg(withJfif(short))).toBeUndefined();
  await expectSame(withJfif(14));
});

describe('withCanvas', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'beit-jpeg-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('turns an image as its Exif data says', async () => {
    await writeFile(join(directory, 'turned.JPG'), withOrientation(await encode(20, 10), 6, 'II'));
    const source = { kind: 'folder', directory, names: ['turned.JPG', 'missing.jpg'] } as const;
    expect(await withCanvas(source, 0, ({ width, height }) => [width, height])).toEqual([10, 20]);
    await expect(withCanvas(source, 1, () => {})).rejects.toThrow('missing.jpg');
  });
  test('takes a file by what is in it', async () => {
    await writeFile(join(directory, 'really.jpg'), await picture(20, 10).png().toBuffer());
    const source = { kind: 'folder', directory, names: ['really.jpg'] } as const;
    expect(await withCanvas(source, 0, (canvas) => canvas.bytes().length)).toBe(4 * 20 * 10);
  });
});
