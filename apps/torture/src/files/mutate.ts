import type { Random } from '@beit/random';

/** Numbers at which lengths and offsets go wrong. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff] as const;

/** A file with one to four changes: bits, bytes, numbers, pieces that are missing, doubled or of another place. */
export function mutate(whole: Uint8Array, random: Random): Uint8Array {
  let bytes = Buffer.from(whole);
  for (let changes = random.integer(1, 4); changes > 0 && bytes.length > 8; changes--) {
    // Where lengths stand: many changes are near the beginning or the end.
    const place = random.uniform();
    const reach = bytes.length - 1;
    const at =
      place < 0.4
        ? random.integer(0, Math.min(reach, 256))
        : place < 0.6
          ? random.integer(Math.max(0, reach - 256), reach)
          : random.integer(0, reach);
    bytes = change(bytes, at, random);
  }
  return bytes;
}

function change(bytes: Buffer<ArrayBuffer>, at: number, random: Random): Buffer<ArrayBuffer> {
  const size = random.integer(1, 64);
  switch (random.integer(0, 6)) {
    case 0:
      bytes[at]! ^= 1 << random.integer(0, 7);
      return bytes;
    case 1:
      bytes[at] = random.integer(0, 255);
      return bytes;
    case 2: {
      const width = ([1, 2, 4] as const)[random.integer(0, 2)]!;
      const value = EXTREMES[random.integer(0, EXTREMES.length - 1)]! % 2 ** (8 * width);
      if (at + width <= bytes.length) {
        if (random.uniform() < 0.5) bytes.writeUIntLE(value, at, width);
        else bytes.writeUIntBE(value, at, width);
      }
      return bytes;
    }
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at + size), bytes.subarray(at)]);
    default: {
      const from = random.integer(0, bytes.length - 1);
      bytes.copyWithin(at, from, from + size);
      return bytes;
    }
  }
}
