/** PNG files of gray levels or palette indices, written by the book with all that may stand in them (ISO/IEC 15948). */
import { crc32, deflateSync } from 'node:zlib';
import type { Random } from '@beit/random';
import { oneOf } from '../oneOf';

export interface Samples {
  readonly width: number;
  readonly height: number;
  /** Row by row. */
  readonly numbers: ArrayLike<number> & Iterable<number>;
}

const GRAY = 0;
const PALETTE = 3;

/** A random file, and what is stored in it. */
export function randomPng(random: Random): { readonly bytes: Uint8Array; readonly samples: Samples } {
  const color = oneOf(random, [GRAY, PALETTE]);
  const bits = oneOf(random, color === GRAY ? [1, 2, 4, 8, 16] : [1, 2, 4, 8]);
  const [width, height] = [random.integer(1, 33), random.integer(1, 33)];
  const colors = color === GRAY ? 2 ** bits : random.integer(1, 2 ** bits);
  const numbers = Array.from({ length: width * height }, () => random.integer(0, colors - 1));
  const samples = { width, height, numbers };
  const isInterlaced = random.uniform() < 0.3;
  const header = Buffer.from([...uint32(width), ...uint32(height), bits, color, 0, 0, isInterlaced ? 1 : 0]);
  const passes = isInterlaced ? ADAM7 : [[0, 0, 1, 1] as const];
  const data = deflateSync(Buffer.concat(passes.map((pass) => passOf(samples, pass, bits, random))));
  const { before, after } = ancillary(color, bits, colors, random);
  const palette =
    color === PALETTE ? [chunk('PLTE', bytesOf(3 * colors, random, random.uniform() < 0.5))] : [];
  const parts = [SIGNATURE, chunk('IHDR', header), ...before, ...palette, ...after];
  return {
    bytes: Buffer.concat([...parts, ...split(data, random), chunk('IEND', Buffer.alloc(0))]),
    samples,
  };
}

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const uint32 = (x: number) => [x >>> 24, (x >>> 16) & 255, (x >>> 8) & 255, x & 255];
const uint16 = (x: number) => [x >> 8, x & 255];

function chunk(name: string, data: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  return Buffer.concat([Buffer.from(uint32(data.length)), named, Buffer.from(uint32(crc32(named)))]);
}

/** @param gray whether each three are the same */
const bytesOf = (length: number, random: Random, gray = false): Uint8Array => {
  const bytes = Uint8Array.from({ length }, () => random.integer(0, 255));
  return gray ? bytes.map((_, i) => bytes[i - (i % 3)]!) : bytes;
};

/** First column and row, and the distance to the next ones. */
type Pass = readonly [number, number, number, number];
const ADAM7: readonly Pass[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/** The filtered rows of a pass; none where it has no pixels. */
function passOf(
  { width, height, numbers }: Samples,
  [first, top, across, down]: Pass,
  bits: number,
  random: Random,
): Buffer {
  const rows: Uint8Array[] = [];
  const step = Math.max(1, bits / 8);
  let above = Buffer.alloc(Math.ceil((Math.ceil((width - first) / across) * bits) / 8));
  if (first >= width) return Buffer.alloc(0);
  for (let y = top; y < height; y += down) {
    const row = Buffer.alloc(above.length);
    for (let x = first, at = 0; x < width; x += across, at += bits) {
      const sample = numbers[y * width + x]!;
      if (bits === 16) row.writeUInt16BE(sample, at / 8);
      else row[at >> 3]! |= sample << (8 - bits - (at & 7));
    }
    const filter = random.integer(0, 4);
    const upper = above;
    const filtered = row.map(
      (byte, i) => byte - predicted(filter, row[i - step] ?? 0, upper[i]!, upper[i - step] ?? 0),
    );
    rows.push(Uint8Array.of(filter), filtered);
    above = row;
  }
  return Buffer.concat(rows);
}

/** @param a the byte to the left @param b above @param c above and to the left */
function predicted(filter: number, a: number, b: number, c: number): number {
  if (filter < 4) return [0, a, b, (a + b) >> 1][filter]!;
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)] as const;
  if (pa <= pb && pa <= pc) return a;
  return pb <= pc ? b : c;
}

/** Compressed data may be cut anywhere. */
function split(data: Buffer, random: Random): Buffer[] {
  if (random.uniform() < 0.5) return [chunk('IDAT', data)];
  const at = random.integer(0, data.length);
  return [chunk('IDAT', data.subarray(0, at)), chunk('IDAT', data.subarray(at))];
}

/** What else may be said, before and after the palette: none of it changes what is stored. */
function ancillary(color: number, bits: number, colors: number, random: Random) {
  const maybe = (name: string, make: () => Iterable<number>) =>
    random.uniform() < 0.3 ? [chunk(name, Buffer.from([...make()]))] : [];
  const sample = () => uint16(random.integer(0, 2 ** bits - 1));
  const profile = random.uniform();
  return {
    before: [
      ...maybe('gAMA', () => uint32(oneOf(random, [45_455, 100_000, 220_000, 55_556, 1]))),
      ...maybe('cHRM', () => [31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000].flatMap(uint32)),
      ...(profile < 0.3
        ? [
            chunk(
              'iCCP',
              Buffer.concat([Buffer.from('gray\0\0', 'latin1'), deflateSync(grayProfile(random))]),
            ),
          ]
        : maybe('sRGB', () => [random.integer(0, 3)])),
      ...maybe('sBIT', () =>
        Array.from({ length: color === GRAY ? 1 : 3 }, () => random.integer(1, color === GRAY ? bits : 8)),
      ),
      ...maybe('prVt', () => bytesOf(5, random)),
    ],
    after: [
      ...maybe('tRNS', () => (color === GRAY ? sample() : bytesOf(random.integer(1, colors), random))),
      ...maybe('bKGD', () => (color === GRAY ? sample() : [random.integer(0, colors - 1)])),
      ...maybe('pHYs', () => [...uint32(random.integer(1, 5000)), ...uint32(random.integer(1, 5000)), 1]),
      ...maybe('tEXt', () => Buffer.from('Comment\0a mask', 'latin1')),
      ...maybe('tIME', () => [...uint16(2020), 2, 29, 23, 59, 60]),
      // Orientation 6: to be turned.
      ...maybe('eXIf', () => Buffer.from('4d4d002a00000008000101120003000000010006000000000000', 'hex')),
    ],
  };
}

/** ICC.1:2001, a monochrome input profile: a curve alone. */
function grayProfile(random: Random): Buffer {
  const tags = {
    desc: Buffer.concat([Buffer.from('desc\0\0\0\0\0\0\0\x05gray\0', 'latin1'), Buffer.alloc(78 + 1)]),
    cprt: Buffer.from('text\0\0\0\0none\0\0\0\0', 'latin1'),
    wtpt: Buffer.from([
      ...Buffer.from('XYZ \0\0\0\0', 'latin1'),
      ...[0xf6d6, 0x10000, 0xd32d].flatMap(uint32),
    ]),
    // An exponent in 8.8 bits.
    kTRC: Buffer.from([
      ...Buffer.from('curv\0\0\0\0', 'latin1'),
      ...uint32(1),
      ...uint16(random.integer(128, 768)),
      0,
      0,
    ]),
  };
  const table: number[] = uint32(Object.keys(tags).length);
  const head = 128 + 4 + 12 * Object.keys(tags).length;
  let at = head;
  for (const [name, data] of Object.entries(tags)) {
    table.push(...Buffer.from(name, 'latin1'), ...uint32(at), ...uint32(data.length));
    at += data.length;
  }
  const header = Buffer.alloc(128);
  header.writeUInt32BE(at, 0);
  header.writeUInt32BE(0x02400000, 8);
  header.write('scnrGRAYXYZ ', 12, 'latin1');
  header.write('acsp', 36, 'latin1');
  // The illuminant D50.
  Buffer.from([0xf6d6, 0x10000, 0xd32d].flatMap(uint32)).copy(header, 68);
  return Buffer.concat([header, Buffer.from(table), ...Object.values(tags)]);
}
