/**
 * The loops over pixels, in AssemblyScript with 128-bit vectors; `build.mjs` compiles them into src/pixels/pixelKernels.wasm.ts.
 * An image here is 4 bytes a pixel, red, green, blue and opacity, row-major; addresses are in the module's memory, and
 * whoever calls lays it out. Loads may pass the end of an image by less than 16 bytes.
 */

/** The first address that is not the module's own. */
export const heap: usize = __heap_base;

// Bytes of a pixel that are zeroed in a swizzle.
const Z: u8 = 0x80;
/** Bits after the point of factors and weights. */
const POINT = 14;

/** `[pixels, 3]` bytes at `source` to 4 bytes a pixel at `target`, opaque; `source` is apart from `target`. */
export function pack(source: usize, target: usize, pixels: i32): void {
  const spread = i8x16(0, 1, 2, Z, 3, 4, 5, Z, 6, 7, 8, Z, 9, 10, 11, Z);
  const opaque = i32x4.splat(0xff000000);
  for (let i = 0; i < pixels; i += 4, source += 12, target += 16) {
    v128.store(target, v128.or(i8x16.swizzle(v128.load(source), spread), opaque));
  }
}

/** Pillow's L, (19595 R + 38470 G + 7471 B + 2^15) / 2^16, of the four pixels of a vector, as integers. */
function grays(pixels: v128): v128 {
  // 38470 does not fit into 16 bits; half of it, twice, does.
  const redGreen = i8x16.swizzle(pixels, i8x16(0, Z, 1, Z, 4, Z, 5, Z, 8, Z, 9, Z, 12, Z, 13, Z));
  const blueGreen = i8x16.swizzle(pixels, i8x16(2, Z, 1, Z, 6, Z, 5, Z, 10, Z, 9, Z, 14, Z, 13, Z));
  const sum = i32x4.add(
    i32x4.dot_i16x8_s(redGreen, i32x4.splat((19235 << 16) | 19595)),
    i32x4.dot_i16x8_s(blueGreen, i32x4.splat((19235 << 16) | 7471)),
  );
  return i32x4.shr_u(i32x4.add(sum, i32x4.splat(0x8000)), 16);
}

/** Sum of the grays of all pixels. */
export function graySum(image: usize, pixels: i32): f64 {
  let sum = i64x2.splat(0);
  const whole = pixels & ~3;
  const end = image + 4 * (whole as usize);
  for (let at = image; at < end; at += 16) {
    const gray = grays(v128.load(at));
    sum = i64x2.add(sum, i64x2.add(i64x2.extend_low_i32x4_u(gray), i64x2.extend_high_i32x4_u(gray)));
  }
  let rest: i64 = 0;
  const last = grays(v128.load(end));
  if (pixels > whole) rest += i32x4.extract_lane(last, 0);
  if (pixels > whole + 1) rest += i32x4.extract_lane(last, 1);
  if (pixels > whole + 2) rest += i32x4.extract_lane(last, 2);
  return (i64x2.extract_lane(sum, 0) + i64x2.extract_lane(sum, 1) + rest) as f64;
}

/*
 * Blends are level + factor (x - level), cut off after the point and at 0 and 255: x * factor + level * (1 - factor),
 * both factors with 14 bits after the point. `factors` is the one in the lower, the other in the upper 16 bits.
 */

/**
 * Four pixels `x` blended with `first` of the first two and `last` of the last two, eight times 16 bits each. The
 * shuffles are those that processors have as one instruction.
 */
function blended(x: v128, first: v128, last: v128, factors: v128): v128 {
  const low = i16x8.extend_low_i8x16_u(x);
  const high = i16x8.extend_high_i8x16_u(x);
  const a = i32x4.dot_i16x8_s(i16x8.shuffle(low, first, 0, 8, 1, 9, 2, 10, 3, 11), factors);
  const b = i32x4.dot_i16x8_s(i16x8.shuffle(low, first, 4, 12, 5, 13, 6, 14, 7, 15), factors);
  const c = i32x4.dot_i16x8_s(i16x8.shuffle(high, last, 0, 8, 1, 9, 2, 10, 3, 11), factors);
  const d = i32x4.dot_i16x8_s(i16x8.shuffle(high, last, 4, 12, 5, 13, 6, 14, 7, 15), factors);
  const bytes = i8x16.narrow_i16x8_u(
    i16x8.narrow_i32x4_s(i32x4.shr_s(a, POINT), i32x4.shr_s(b, POINT)),
    i16x8.narrow_i32x4_s(i32x4.shr_s(c, POINT), i32x4.shr_s(d, POINT)),
  );
  return v128.bitselect(x, bytes, i32x4.splat(0xff000000));
}

/** Every colour blended with one level, as Pillow's Brightness (level 0) and Contrast (level: the mean gray). In place. */
export function blendWithLevel(image: usize, pixels: i32, level: i32, factors: i32): void {
  const weights = i32x4.splat(factors);
  const levels = i16x8.splat(level as i16);
  const end = image + 4 * (pixels as usize);
  for (let at = image; at < end; at += 16) {
    v128.store(at, blended(v128.load(at), levels, levels, weights));
  }
}

/** Every colour blended with its pixel's own gray, as Pillow's Color. In place. */
export function blendWithGray(image: usize, pixels: i32, factors: i32): void {
  const weights = i32x4.splat(factors);
  const end = image + 4 * (pixels as usize);
  for (let at = image; at < end; at += 16) {
    const x = v128.load(at);
    const gray = grays(x);
    const twice = v128.or(gray, i32x4.shl(gray, 16));
    const first = i32x4.shuffle(twice, twice, 0, 4, 1, 5);
    const last = i32x4.shuffle(twice, twice, 2, 6, 3, 7);
    v128.store(at, blended(x, first, last, weights));
  }
}

/*
 * Resampling with weights of 14 bits after the point, much as Pillow-SIMD does. Weights come in pairs of neighbours, so that
 * one instruction multiplies and adds both: `pairs` holds 32 bits for each pair, `offset[i]` to `offset[i + 1]` are
 * the pairs of output i, and `first[i]` is the source of the first of them. An odd one out is paired with weight 0.
 */
const HALF = 1 << (POINT - 1);

/**
 * Across: rows of `width` pixels at `source` to rows of `size` pixels at `target`; `step` of 1 or -1 writes them from
 * left to right or mirrored.
 */
export function resampleAcross(
  source: usize,
  target: usize,
  width: i32,
  rows: i32,
  size: i32,
  first: usize,
  offset: usize,
  pairs: usize,
  step: i32,
): void {
  // Two pixels side by side: both reds, both greens, both blues, both opacities, as 16 bits.
  const together = i8x16(0, Z, 4, Z, 1, Z, 5, Z, 2, Z, 6, Z, 3, Z, 7, Z);
  for (let y = 0; y < rows; y++) {
    const row = source + 4 * ((y * width) as usize);
    let out = target + 4 * ((y * size + (step > 0 ? 0 : size - 1)) as usize);
    for (let x = 0; x < size; x++, out += 4 * step) {
      let at = row + 4 * (load<i32>(first + 4 * x) as usize);
      let pair = pairs + 4 * (load<i32>(offset + 4 * x) as usize);
      const end = pairs + 4 * (load<i32>(offset + 4 * x + 4) as usize);
      let sum = i32x4.splat(HALF);
      for (; pair < end; pair += 4, at += 8) {
        const two = i8x16.swizzle(v128.load64_zero(at), together);
        sum = i32x4.add(sum, i32x4.dot_i16x8_s(two, v128.load32_splat(pair)));
      }
      const colours = i32x4.shr_s(sum, POINT);
      const words = i16x8.narrow_i32x4_s(colours, colours);
      v128.store32_lane(out, i8x16.narrow_i16x8_u(words, words), 0);
    }
  }
}

/**
 * Down: rows of `width` pixels at `source` to `rows` such rows at `target`. What a row writes past its end the next one
 * overwrites.
 */
export function resampleDown(
  source: usize,
  target: usize,
  width: i32,
  rows: i32,
  first: usize,
  offset: usize,
  pairs: usize,
): void {
  const rowBytes: usize = 4 * (width as usize);
  for (let y = 0; y < rows; y++) {
    const begin = pairs + 4 * (load<i32>(offset + 4 * y) as usize);
    const end = pairs + 4 * (load<i32>(offset + 4 * y + 4) as usize);
    const row = source + (load<i32>(first + 4 * y) as usize) * rowBytes;
    const out = target + (y as usize) * rowBytes;
    for (let x: usize = 0; x < rowBytes; x += 16) {
      let a = i32x4.splat(HALF);
      let b = a;
      let c = a;
      let d = a;
      let at = row + x;
      for (let pair = begin; pair < end; pair += 4, at += 2 * rowBytes) {
        const weights = v128.load32_splat(pair);
        const upper = v128.load(at);
        const lower = v128.load(at + rowBytes);
        const left = i8x16.shuffle(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const right = i8x16.shuffle(
          upper,
          lower,
          8,
          24,
          9,
          25,
          10,
          26,
          11,
          27,
          12,
          28,
          13,
          29,
          14,
          30,
          15,
          31,
        );
        a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(left), weights));
        b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(left), weights));
        c = i32x4.add(c, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(right), weights));
        d = i32x4.add(d, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(right), weights));
      }
      const low = i16x8.narrow_i32x4_s(i32x4.shr_s(a, POINT), i32x4.shr_s(b, POINT));
      const high = i16x8.narrow_i32x4_s(i32x4.shr_s(c, POINT), i32x4.shr_s(d, POINT));
      v128.store(out + x, i8x16.narrow_i16x8_u(low, high));
    }
  }
}

/** Bits after the point of Pillow's weights. */
const EXACT_POINT = 22;

/** The weighted sum of pixels that are `step` bytes apart, rounded as Pillow rounds, written to `out`. */
function exactPixel(at: usize, step: usize, weight: usize, end: usize, out: usize): void {
  let sum = i32x4.splat(1 << (EXACT_POINT - 1));
  for (; weight < end; weight += 4, at += step) {
    const words = i16x8.extend_low_i8x16_u(v128.load32_zero(at));
    sum = i32x4.add(sum, i32x4.mul(i32x4.extend_low_i16x8_u(words), i32x4.splat(load<i32>(weight))));
  }
  const colours = i32x4.shr_s(sum, EXACT_POINT);
  const words = i16x8.narrow_i32x4_s(colours, colours);
  v128.store32_lane(out, i8x16.narrow_i16x8_u(words, words), 0);
}

/** Across, to the bit of Pillow: `rows` rows of `width` pixels at `source` to rows of `size` pixels at `target`. */
export function exactAcross(
  source: usize,
  target: usize,
  width: i32,
  rows: i32,
  size: i32,
  first: usize,
  offset: usize,
  weights: usize,
): void {
  for (let y = 0; y < rows; y++) {
    const row = source + 4 * ((y * width) as usize);
    for (let x = 0; x < size; x++, target += 4) {
      const begin = weights + 4 * (load<i32>(offset + 4 * x) as usize);
      const end = weights + 4 * (load<i32>(offset + 4 * x + 4) as usize);
      exactPixel(row + 4 * (load<i32>(first + 4 * x) as usize), 4, begin, end, target);
    }
  }
}

/** Down, to the bit of Pillow: rows of `width` pixels at `source` to `rows` such rows at `target`. */
export function exactDown(
  source: usize,
  target: usize,
  width: i32,
  rows: i32,
  first: usize,
  offset: usize,
  weights: usize,
): void {
  const rowBytes: usize = 4 * (width as usize);
  for (let y = 0; y < rows; y++) {
    const begin = weights + 4 * (load<i32>(offset + 4 * y) as usize);
    const end = weights + 4 * (load<i32>(offset + 4 * y + 4) as usize);
    const row = source + (load<i32>(first + 4 * y) as usize) * rowBytes;
    for (let x: usize = 0; x < rowBytes; x += 4, target += 4)
      exactPixel(row + x, rowBytes, begin, end, target);
  }
}

/** Colours to `[pixels, 3]` float32, x * factor + offset. `target` has room for one number more. */
export function normalize(
  image: usize,
  target: usize,
  pixels: i32,
  factor0: f32,
  factor1: f32,
  factor2: f32,
  offset0: f32,
  offset1: f32,
  offset2: f32,
): void {
  const factors = f32x4(factor0, factor1, factor2, 0);
  const offsets = f32x4(offset0, offset1, offset2, 0);
  const end = image + 4 * (pixels as usize);
  // The fourth number of each store is overwritten by the next.
  for (let at = image; at < end; at += 4, target += 12) {
    const words = i16x8.extend_low_i8x16_u(v128.load32_zero(at));
    const colours = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(words));
    v128.store(target, f32x4.add(f32x4.mul(colours, factors), offsets));
  }
}

/** Opacities to `[pixels]` float32 in [0, 1]. */
export function opacities(image: usize, target: usize, pixels: i32): void {
  for (let i = 0; i < pixels; i++) store<f32>(target + 4 * i, (load<u8>(image + 4 * i + 3) as f32) / 255);
}
