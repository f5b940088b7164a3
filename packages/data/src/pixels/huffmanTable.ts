/** A Huffman code as a JPEG file has it: how many codes are `i + 1` bits long, and what they stand for, in order. */
export interface HuffmanCode {
  /** 16 numbers. */
  readonly counts: Uint8Array;
  readonly symbols: Uint8Array;
}

const PEEK_BITS = 10;
/** In the table, see `kernels/jpeg.ts`: after the first part, two of 17, and the entries of all symbols. */
const LIMIT = 1 << PEEK_BITS;
const OFFSET = LIMIT + 17;
const ENTRIES = OFFSET + 17;
const FOLLOWS = 0x80;
/** Zeros that stand for all that are left of a block. */
export const REST_OF_BLOCK = 128;

const entryOf = (bits: number, zeros: number, value: number) => (value << 16) | (zeros << 8) | bits;

/**
 * The table that the kernel decodes by, which gives code and coefficient in one look where they are short.
 *
 * @returns undefined when this is no code: too many codes of a length, or symbols that can't be
 */
export function huffmanTable(kind: 'dc' | 'ac', { counts, symbols }: HuffmanCode): Int32Array | undefined {
  const table = new Int32Array(ENTRIES + 256).fill(FOLLOWS, 0, LIMIT);
  let code = 0;
  let index = 0;
  for (let bits = 1; bits <= 16; bits++) {
    table[OFFSET + bits] = index - code;
    for (let i = 0; i < counts[bits - 1]!; i++, code++, index++) {
      const symbol = symbols[index]!;
      const size = kind === 'dc' ? symbol : symbol & 15;
      const zeros = kind === 'dc' ? 0 : symbol >> 4;
      if (size > 15) return undefined;
      const ends = kind === 'ac' && size === 0 && zeros < 15;
      const own = ends ? REST_OF_BLOCK : zeros;
      table[ENTRIES + index] = entryOf(bits | FOLLOWS, own, size);
      if (bits > PEEK_BITS) continue;
      const unused = PEEK_BITS - bits;
      for (let next = 0; next < 1 << unused; next++) {
        table[(code << unused) | next] =
          size <= unused
            ? entryOf(bits + size, own, coefficient(next >> (unused - size), size))
            : table[ENTRIES + index]!;
      }
    }
    if (code > 1 << bits) return undefined;
    table[LIMIT + bits] = code << (16 - bits);
    code <<= 1;
  }
  return table;
}

/** What `size` bits mean: with a first bit of 1 themselves, else the negative of what they lack. */
function coefficient(bits: number, size: number): number {
  if (size === 0) return 0;
  return bits >> (size - 1) ? bits : bits - (1 << size) + 1;
}
