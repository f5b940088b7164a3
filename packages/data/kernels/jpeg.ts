/**
 * Baseline JPEG, its scan to pixels, bit for bit as libjpeg does it by default: accurate integer transform
 * (jidctint.c), "fancy" upsampling (jdsample.c), colours in 16 bits after the point (jdcolor.c). What comes before the
 * scan is read in `src/pixels/parseJpeg.ts`, and the memory laid out in `src/pixels/decodeJpeg.ts`.
 */

/** One of the three components, as `src/pixels/decodeJpeg.ts` writes it. */
@unmanaged
class Component {
  /** Samples, `stride` bytes a row. */
  plane: usize;
  stride: i32;
  /** Blocks of an MCU. */
  across: i32;
  down: i32;
  /** 64 factors of 16 bits, in zigzag order, and as many zeros as REST_OF_BLOCK. */
  factors: usize;
  /** Huffman tables. */
  dc: usize;
  ac: usize;
  /** The last block's DC coefficient, times its factor. */
  predictor: i32;
}
const COMPONENT: usize = 32;

/*
 * The bits of one restart interval. They lie backwards, the first byte just below `top`, so that a load of 64 bits has
 * the next one as its most significant.
 */
let top: usize;
/** Bits read so far; the next ones are the upper `left` bits of `word`. */
let position: usize;
let word: u64;
let left: i32;

/** Without the zero bytes after 0xff; returns where the marker is that ends it. There is one at the end of all data. */
function unstuff(data: usize): usize {
  const backwards = i8x16(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const escapes = i8x16.splat(-1);
  let to = top;
  let marker: usize = 0;
  while (marker === 0) {
    const bytes = v128.load(data);
    const plain = ctz(i8x16.bitmask(i8x16.eq(bytes, escapes)) | 0x10000);
    v128.store(to - 16, i8x16.swizzle(bytes, backwards));
    to -= plain;
    data += plain;
    if (plain === 16) continue;
    if (load<u8>(data + 1) !== 0) marker = data;
    else {
      store<u8>(--to, 0xff);
      data += 2;
    }
  }
  length = 8 * (top - to);
  return marker;
}
/** Bits of the interval. */
let length: usize;

/*
 * A Huffman table as `src/pixels/huffmanTable.ts` makes it, 32 bits an entry:
 *   PEEK    2^10 entries, by the next 10 bits; FOLLOWS alone where the code is longer
 *   LIMIT   17: the codes of at most n bits are below, filled up to 16 bits
 *   OFFSET  17: what is added to a code of n bits to give its index
 *   ENTRIES by index, all with FOLLOWS
 * An entry: bits to skip (6 bits), FOLLOWS, in bits 8 to 15 the zeros before the coefficient, in the upper 16 the
 * coefficient, or, with FOLLOWS, how many bits it has that come next.
 */
const PEEK_BITS = 10;
const LIMIT: usize = 4 << PEEK_BITS;
const OFFSET: usize = LIMIT + 4 * 17;
const ENTRIES: usize = OFFSET + 4 * 17;
const FOLLOWS = 0x80;
/** Zeros that stand for all that are left. */
const REST_OF_BLOCK: usize = 128;

/** 0 where there is no such code. */
function longEntry(table: usize, next: u32): i32 {
  for (let bits: usize = PEEK_BITS + 1; bits <= 16; bits++) {
    if (next < load<u32>(table + LIMIT + 4 * bits)) {
      const index = ((next >> (16 - (bits as u32))) as i32) + load<i32>(table + OFFSET + 4 * bits);
      return load<i32>(table + ENTRIES + 4 * (index as usize));
    }
  }
  return 0;
}

/** Coefficients times factors of a block, `[8, 8]` of 16 bits, and a place for what lies behind the block. */
const block = memory.data(128 + 16, 16);
/** Places of coefficients, in bytes; for those behind the block, after REST_OF_BLOCK, the last place. */
const places = memory.data(64 + REST_OF_BLOCK, 16);
// biome-ignore format: eight rows of eight
const ZIGZAG = memory.data<u8>([
   0,  1,  8, 16,  9,  2,  3, 10,
  17, 24, 32, 25, 18, 11,  4,  5,
  12, 19, 26, 33, 40, 48, 41, 34,
  27, 20, 13,  6,  7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36,
  29, 22, 15, 23, 30, 37, 44, 51,
  58, 59, 52, 45, 38, 31, 39, 46,
  53, 60, 61, 54, 47, 55, 62, 63,
]);
for (let k: usize = 0; k < 64 + REST_OF_BLOCK; k++) {
  store<u8>(places + k, k < 64 ? 2 * load<u8>(ZIGZAG + k) : 128);
}

/*
 * Coefficients of samples of 8 bits are up to 1,024, and half a factor of 255 more; with much larger ones, builds of
 * libjpeg differ from each other.
 */
const LARGEST = 2048;
const LARGEST_BITS = 12;

const BAD = 0;
const PLAIN = 1;
const FULL = 2;

/** Reads a block: BAD data, a PLAIN one, all of whose coefficients but the first are zero, or a FULL one. */
function readBlock(component: Component): i32 {
  for (let at: usize = 0; at < 128; at += 16) v128.store(block + at, i32x4.splat(0));
  const factors = component.factors;
  const ac = component.ac;
  let table = component.dc;
  let next = word;
  let rest = left;
  let at = position;
  let k: usize = 0;
  let beyond = 0;
  do {
    if (rest < 32) {
      next = load<u64>(top - 8 - (at >> 3)) << (at & 7);
      rest = 64 - ((at & 7) as i32);
    }
    let entry = load<i32>(table + (((next >> (64 - PEEK_BITS)) as usize) << 2));
    let value = entry >> 16;
    if (entry & FOLLOWS) {
      if (entry === FOLLOWS) entry = longEntry(table, (next >> 48) as u32);
      if (entry === 0) return BAD;
      const size = entry >> 16;
      next <<= entry & 0x3f;
      rest -= entry & 0x3f;
      at += entry & 0x3f;
      value = size > 0 ? ((next >> (64 - size)) as i32) : 0;
      if (size > 0 && value >> (size - 1) === 0) value -= (1 << size) - 1;
      next <<= size;
      rest -= size;
      at += size;
    } else {
      next <<= entry & 0x3f;
      rest -= entry & 0x3f;
      at += entry & 0x3f;
    }
    k += (entry >> 8) & 0xff;
    const coefficient = value * load<i16>(factors + 2 * k);
    beyond |= (coefficient + LARGEST) >> LARGEST_BITS;
    store<i16>(block + load<u8>(places + k), coefficient);
    table = ac;
    k++;
  } while (k < 64);
  // A run of zeros may not pass the end.
  if (k > 64 && k <= REST_OF_BLOCK) return BAD;
  word = next;
  left = rest;
  position = at;
  component.predictor += load<i16>(block);
  store<i16>(block, component.predictor);
  if ((beyond | ((component.predictor + LARGEST) >> LARGEST_BITS)) !== 0) return BAD;
  return k === 1 + REST_OF_BLOCK + 1 ? PLAIN : FULL;
}

/** a x + b y of the lower four of eight numbers, with 32 bits. */
function low(a: v128, b: v128, x: i32, y: i32): v128 {
  return i32x4.dot_i16x8_s(
    i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11),
    i32x4.splat((y << 16) | (x & 0xffff)),
  );
}
/** The same of the upper four. */
function high(a: v128, b: v128, x: i32, y: i32): v128 {
  return i32x4.dot_i16x8_s(
    i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15),
    i32x4.splat((y << 16) | (x & 0xffff)),
  );
}
/** Lower and upper four together again, rounded to `shift` bits less. */
function both(a: v128, b: v128, half: v128, shift: i32): v128 {
  return i16x8.narrow_i32x4_s(i32x4.shr_s(i32x4.add(a, half), shift), i32x4.shr_s(i32x4.add(b, half), shift));
}

/** The inverse transform of the block's columns, rounded to `shift` bits less; the result lies transposed. */
function transformColumns(shift: i32): void {
  const in0 = v128.load(block);
  const in1 = v128.load(block, 16);
  const in2 = v128.load(block, 32);
  const in3 = v128.load(block, 48);
  const in4 = v128.load(block, 64);
  const in5 = v128.load(block, 80);
  const in6 = v128.load(block, 96);
  const in7 = v128.load(block, 112);
  const half = i32x4.splat(1 << (shift - 1));

  // Factors are sums of jidctint.c's, with 13 bits after the point.
  const sumLow = low(in0, in4, 8192, 8192);
  const sumHigh = high(in0, in4, 8192, 8192);
  const differenceLow = low(in0, in4, 8192, -8192);
  const differenceHigh = high(in0, in4, 8192, -8192);
  const evenLow = low(in2, in6, 10703, 4433);
  const evenHigh = high(in2, in6, 10703, 4433);
  const crossLow = low(in2, in6, 4433, -10704);
  const crossHigh = high(in2, in6, 4433, -10704);
  const even0Low = i32x4.add(sumLow, evenLow);
  const even0High = i32x4.add(sumHigh, evenHigh);
  const even3Low = i32x4.sub(sumLow, evenLow);
  const even3High = i32x4.sub(sumHigh, evenHigh);
  const even1Low = i32x4.add(differenceLow, crossLow);
  const even1High = i32x4.add(differenceHigh, crossHigh);
  const even2Low = i32x4.sub(differenceLow, crossLow);
  const even2High = i32x4.sub(differenceHigh, crossHigh);

  const odd0Low = i32x4.add(low(in1, in3, 11363, 9633), low(in5, in7, 6437, 2260));
  const odd0High = i32x4.add(high(in1, in3, 11363, 9633), high(in5, in7, 6437, 2260));
  const odd1Low = i32x4.add(low(in1, in3, 9633, -2259), low(in5, in7, -11362, -6436));
  const odd1High = i32x4.add(high(in1, in3, 9633, -2259), high(in5, in7, -11362, -6436));
  const odd2Low = i32x4.add(low(in1, in3, 6437, -11362), low(in5, in7, 2261, 9633));
  const odd2High = i32x4.add(high(in1, in3, 6437, -11362), high(in5, in7, 2261, 9633));
  const odd3Low = i32x4.add(low(in1, in3, 2260, -6436), low(in5, in7, 9633, -11363));
  const odd3High = i32x4.add(high(in1, in3, 2260, -6436), high(in5, in7, 9633, -11363));

  const out0 = both(i32x4.add(even0Low, odd0Low), i32x4.add(even0High, odd0High), half, shift);
  const out7 = both(i32x4.sub(even0Low, odd0Low), i32x4.sub(even0High, odd0High), half, shift);
  const out1 = both(i32x4.add(even1Low, odd1Low), i32x4.add(even1High, odd1High), half, shift);
  const out6 = both(i32x4.sub(even1Low, odd1Low), i32x4.sub(even1High, odd1High), half, shift);
  const out2 = both(i32x4.add(even2Low, odd2Low), i32x4.add(even2High, odd2High), half, shift);
  const out5 = both(i32x4.sub(even2Low, odd2Low), i32x4.sub(even2High, odd2High), half, shift);
  const out3 = both(i32x4.add(even3Low, odd3Low), i32x4.add(even3High, odd3High), half, shift);
  const out4 = both(i32x4.sub(even3Low, odd3Low), i32x4.sub(even3High, odd3High), half, shift);

  const a0 = i16x8.shuffle(out0, out1, 0, 8, 1, 9, 2, 10, 3, 11);
  const a1 = i16x8.shuffle(out0, out1, 4, 12, 5, 13, 6, 14, 7, 15);
  const a2 = i16x8.shuffle(out2, out3, 0, 8, 1, 9, 2, 10, 3, 11);
  const a3 = i16x8.shuffle(out2, out3, 4, 12, 5, 13, 6, 14, 7, 15);
  const a4 = i16x8.shuffle(out4, out5, 0, 8, 1, 9, 2, 10, 3, 11);
  const a5 = i16x8.shuffle(out4, out5, 4, 12, 5, 13, 6, 14, 7, 15);
  const a6 = i16x8.shuffle(out6, out7, 0, 8, 1, 9, 2, 10, 3, 11);
  const a7 = i16x8.shuffle(out6, out7, 4, 12, 5, 13, 6, 14, 7, 15);
  const b0 = i32x4.shuffle(a0, a2, 0, 4, 1, 5);
  const b1 = i32x4.shuffle(a0, a2, 2, 6, 3, 7);
  const b2 = i32x4.shuffle(a1, a3, 0, 4, 1, 5);
  const b3 = i32x4.shuffle(a1, a3, 2, 6, 3, 7);
  const b4 = i32x4.shuffle(a4, a6, 0, 4, 1, 5);
  const b5 = i32x4.shuffle(a4, a6, 2, 6, 3, 7);
  const b6 = i32x4.shuffle(a5, a7, 0, 4, 1, 5);
  const b7 = i32x4.shuffle(a5, a7, 2, 6, 3, 7);
  v128.store(block, i64x2.shuffle(b0, b4, 0, 2));
  v128.store(block, i64x2.shuffle(b0, b4, 1, 3), 16);
  v128.store(block, i64x2.shuffle(b1, b5, 0, 2), 32);
  v128.store(block, i64x2.shuffle(b1, b5, 1, 3), 48);
  v128.store(block, i64x2.shuffle(b2, b6, 0, 2), 64);
  v128.store(block, i64x2.shuffle(b2, b6, 1, 3), 80);
  v128.store(block, i64x2.shuffle(b3, b7, 0, 2), 96);
  v128.store(block, i64x2.shuffle(b3, b7, 1, 3), 112);
}

/** The block as samples at `target`, `stride` bytes a row. */
function writeBlock(target: usize, stride: i32, kind: i32): void {
  const middle = i16x8.splat(128);
  if (kind === PLAIN) {
    const level = i16x8.add_sat_s(i16x8.splat((((load<i16>(block) as i32) + 4) >> 3) as i16), middle);
    const row = i8x16.narrow_i16x8_u(level, level);
    for (let y = 0; y < 8; y++, target += stride) v128.store64_lane(target, row, 0);
    return;
  }
  transformColumns(11);
  transformColumns(18);
  for (let at: usize = 0; at < 128; at += 32, target += 2 * stride) {
    const rows = i8x16.narrow_i16x8_u(
      i16x8.add_sat_s(v128.load(block + at), middle),
      i16x8.add_sat_s(v128.load(block + at, 16), middle),
    );
    v128.store64_lane(target, rows, 0);
    v128.store64_lane(target + stride, rows, 1);
  }
}

/**
 * The samples of three components.
 *
 * @param data the scan without its header, followed by an end-of-image marker and 16 bytes of room
 * @param stream where the bits go, backwards from there
 * @param restartInterval MCUs between restart markers; 0: there are none
 * @returns where the scan ended; 0 for one that is damaged or, anyhow, not as expected
 */
export function decodeScan(
  data: usize,
  stream: usize,
  components: usize,
  mcusAcross: i32,
  mcusDown: i32,
  restartInterval: i32,
): usize {
  top = stream;
  let untilRestart = 0;
  let restarts = 0;
  for (let row = 0; row < mcusDown; row++) {
    for (let column = 0; column < mcusAcross; column++) {
      if (untilRestart === 0) {
        if (row > 0 || column > 0) {
          if (!atEnd() || load<u8>(data + 1) !== 0xd0 + (restarts++ & 7)) return 0;
          data += 2;
        }
        data = unstuff(data);
        position = 0;
        left = 0;
        for (let c: usize = 0; c < 3; c++) changetype<Component>(components + c * COMPONENT).predictor = 0;
        untilRestart = restartInterval > 0 ? restartInterval : mcusAcross * mcusDown;
      }
      for (let c: usize = 0; c < 3; c++) {
        const component = changetype<Component>(components + c * COMPONENT);
        const stride = component.stride;
        for (let v = 0; v < component.down; v++) {
          const line =
            component.plane + 8 * ((row * component.down + v) * stride) + 8 * (column * component.across);
          for (let h = 0; h < component.across; h++) {
            const kind = readBlock(component);
            if (kind === BAD) return 0;
            writeBlock(line + 8 * h, stride, kind);
          }
        }
      }
      if (position > length) return 0;
      untilRestart--;
    }
  }
  return atEnd() ? data : 0;
}

/** Whether all bits were read, but for those that fill up the last byte. */
function atEnd(): bool {
  return position <= length && length - position < 8;
}

/**
 * The samples as `[height, width, 4]` bytes red, green, blue, 255 at `target`, which has room for 32 bytes more. The
 * colour components have half of the columns with `halfAcross`, half of the rows with `halfDown` (then also of the
 * columns).
 *
 * @param scratch for four rows of 16 bits a sample, and 32 bytes more each
 */
export function toPixels(
  components: usize,
  width: i32,
  height: i32,
  halfAcross: bool,
  halfDown: bool,
  scratch: usize,
  target: usize,
): void {
  const luma = changetype<Component>(components);
  const rowBytes: usize = 2 * (luma.stride as usize) + 32;
  const blue = scratch;
  const red = scratch + rowBytes;
  const sums = scratch + 2 * rowBytes + 16;
  for (let y = 0; y < height; y++) {
    for (let c: usize = 1; c < 3; c++) {
      const component = changetype<Component>(components + c * COMPONENT);
      const row = c === 1 ? blue : red;
      if (!halfAcross) {
        centerRow(component.plane + y * component.stride, row, width);
        continue;
      }
      const columns = (width + 1) >> 1;
      const last = halfDown ? ((height + 1) >> 1) - 1 : height - 1;
      const near = halfDown ? y >> 1 : y;
      const far = halfDown ? max(0, min(last, y & 1 ? near + 1 : near - 1)) : near;
      sumRows(
        component.plane + near * component.stride,
        component.plane + far * component.stride,
        sums,
        columns,
      );
      if (halfDown) spreadRow(sums, row, columns, 8, 7);
      else spreadRow(sums, row, columns, 4, 8);
    }
    convertRow(luma.plane + y * luma.stride, blue, red, target, width);
    target += 4 * width;
  }
}

/** Samples around 0, with 16 bits. */
function centerRow(source: usize, target: usize, columns: i32): void {
  const middle = i16x8.splat(128);
  for (let x = 0; x < columns; x += 8, source += 8, target += 16) {
    v128.store(target, i16x8.sub(v128.load8x8_u(source), middle));
  }
}

/** Three times the nearer row and the farther one, and the first and the last once more outside. */
function sumRows(near: usize, far: usize, target: usize, columns: i32): void {
  const three = i16x8.splat(3);
  for (let x: usize = 0; x < (columns as usize); x += 8) {
    v128.store(
      target + 2 * x,
      i16x8.add(i16x8.mul(v128.load8x8_u(near + x), three), v128.load8x8_u(far + x)),
    );
  }
  store<i16>(target - 2, load<i16>(target));
  store<i16>(target + 2 * columns, load<i16>(target + 2 * (columns - 1)));
}

/** Twice the columns, each three parts of the nearer and one of the farther sum, around 0; biases in sixteenths. */
function spreadRow(sums: usize, target: usize, columns: i32, leftBias: i16, rightBias: i16): void {
  const three = i16x8.splat(3);
  const middle = i16x8.splat(128);
  for (let x = 0; x < columns; x += 8, sums += 16, target += 32) {
    const threefold = i16x8.mul(v128.load(sums), three);
    const before = i16x8.add(v128.load(sums - 2), i16x8.splat(leftBias));
    const after = i16x8.add(v128.load(sums + 2), i16x8.splat(rightBias));
    const leftColumns = i16x8.sub(i16x8.shr_u(i16x8.add(threefold, before), 4), middle);
    const rightColumns = i16x8.sub(i16x8.shr_u(i16x8.add(threefold, after), 4), middle);
    v128.store(target, i16x8.shuffle(leftColumns, rightColumns, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(target, i16x8.shuffle(leftColumns, rightColumns, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  }
}

/** (x a + y b) / 2^16, rounded. */
function scaled(a: v128, x: i32, b: v128, y: i32): v128 {
  return both(low(a, b, x, y), high(a, b, x, y), i32x4.splat(1 << 15), 16);
}

function convertRow(luma: usize, blue: usize, red: usize, target: usize, width: i32): void {
  const none = i16x8.splat(0);
  const opaque = i8x16.splat(-1);
  for (let x = 0; x < width; x += 8, luma += 8, blue += 16, red += 16, target += 32) {
    const y = v128.load8x8_u(luma);
    const cb = v128.load(blue);
    const cr = v128.load(red);
    // Factors above a half, which do not fit into 16 bits, are taken in parts: 1.402, 0.34414, 0.71414, 1.772.
    const r = i16x8.add(i16x8.add(y, cr), scaled(cr, 26345, none, 0));
    const g = i16x8.add(i16x8.sub(y, cr), scaled(cb, -22554, cr, 18734));
    const b = i16x8.add(i16x8.add(y, i16x8.add(cb, cb)), scaled(cb, -14942, none, 0));
    const rb = i8x16.narrow_i16x8_u(r, b);
    const rg = i8x16.shuffle(
      rb,
      i8x16.narrow_i16x8_u(g, g),
      0,
      16,
      1,
      17,
      2,
      18,
      3,
      19,
      4,
      20,
      5,
      21,
      6,
      22,
      7,
      23,
    );
    const ba = i8x16.shuffle(rb, opaque, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    v128.store(target, i16x8.shuffle(rg, ba, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(target, i16x8.shuffle(rg, ba, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  }
}
