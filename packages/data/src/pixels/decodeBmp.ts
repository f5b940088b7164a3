// Ours: sharp has no decoder of it, and those on npm leave out run lengths or masks, or take the fourth byte of 32 bits,
// which means nothing, for opacity.
import { assertSize } from './assertSize';
import type { Pixels } from './pixels';

/** BI_RGB, BI_RLE8, BI_RLE4, BI_BITFIELDS, BI_ALPHABITFIELDS. */
const PLAIN = 0;
const RLE8 = 1;
const RLE4 = 2;
const MASKS = 3;
const MASKS_WITH_OPACITY = 6;

/** Whether bytes begin as a Windows bitmap. */
export const isBmp = (bytes: Uint8Array): boolean => bytes[0] === 0x42 && bytes[1] === 0x4d;

/**
 * A Windows bitmap of 1, 4, 8, 16, 24 or 32 bits, run lengths included. Colours of fewer than 8 bits are spread as Pillow
 * does it. Reference: Microsoft, "Bitmap Header Types" and "Bitmap Compression".
 *
 * @throws when it is of another kind, cut off or too large, see `assertSize`
 */
export function decodeBmp(bytes: Uint8Array): Pixels {
  const header = readHeader(bytes);
  assertSize({ ...header, pixelBytes: header.bits <= 8 ? 1 + 3 : 4 + 3 });
  return header.bits <= 8 ? indexedPixels(bytes, header) : maskedPixels(bytes, header);
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly topDown: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Where pixels begin. */
  readonly pixels: number;
  /** Where the colours of a palette begin, how many there are, and how many bytes one has. */
  readonly palette: { readonly at: number; readonly colors: number; readonly size: 3 | 4 };
  /** Which bits are red, green, blue and opacity. */
  readonly masks: readonly [number, number, number, number];
}

function readHeader(bytes: Uint8Array): Header {
  if (!isBmp(bytes) || bytes.length < 26) throw new Error('it is no Windows bitmap');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(14, true);
  // OS/2's first kind has fields of half the size.
  const isSmall = size === 12;
  if (!isSmall && size < 40) throw new Error(`its header has ${size} bytes; expected 12, or at least 40`);
  if (14 + size > bytes.length) throw new Error('it is cut off');
  const width = isSmall ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = isSmall ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(isSmall ? 24 : 28, true);
  const compression = isSmall ? PLAIN : view.getUint32(30, true);
  const colors = isSmall ? 0 : view.getUint32(46, true);
  const height = Math.abs(signedHeight);
  if (width <= 0 || height === 0) throw new Error(`it is of ${width}x${signedHeight} pixels`);
  const allowed: Readonly<Record<number, readonly number[]>> = {
    [PLAIN]: [1, 4, 8, 16, 24, 32],
    [RLE8]: [8],
    [RLE4]: [4],
    [MASKS]: [16, 32],
    [MASKS_WITH_OPACITY]: [16, 32],
  };
  if (!allowed[compression]?.includes(bits))
    throw new Error(
      `a bitmap of ${bits} bits with compression ${compression} is not read; convert it to PNG`,
    );
  const hasMasks = compression === MASKS || compression === MASKS_WITH_OPACITY;
  const hasOpacity = compression === MASKS_WITH_OPACITY || size >= 56;
  if (hasMasks && bytes.length < (hasOpacity ? 70 : 66)) throw new Error('it is cut off');
  const mask = (i: number) => view.getUint32(54 + 4 * i, true);
  return {
    width,
    height,
    topDown: signedHeight < 0,
    bits,
    compression,
    pixels: view.getUint32(10, true),
    palette: { at: 14 + size, colors: colors || 2 ** Math.min(bits, 8), size: isSmall ? 3 : 4 },
    masks: hasMasks
      ? [mask(0), mask(1), mask(2), hasOpacity ? mask(3) : 0]
      : bits === 16
        ? [0x7c00, 0x3e0, 0x1f, 0]
        : [0xff0000, 0xff00, 0xff, 0],
  };
}

/** Bytes of a row, which ends at a multiple of four. */
const strideOf = ({ width, bits }: Header) => Math.ceil((width * bits) / 32) * 4;

/** Calls `use` with each row of the picture, from the top, and where it begins in the file. */
function eachRow(bytes: Uint8Array, header: Header, use: (row: number, at: number) => void): void {
  const { height, topDown, pixels } = header;
  const stride = strideOf(header);
  if (pixels + stride * height > bytes.length + 3) throw new Error('it is cut off');
  for (let row = 0; row < height; row++) use(row, pixels + stride * (topDown ? row : height - 1 - row));
}

function indexedPixels(bytes: Uint8Array, header: Header): Pixels {
  const { width, height, palette } = header;
  const indices = header.compression === PLAIN ? plainIndices(bytes, header) : runLengths(bytes, header);
  const data = new Uint8Array(width * height * 3);
  for (const [i, index] of indices.entries()) {
    const at = palette.at + palette.size * index;
    if (index >= palette.colors || at + 3 > bytes.length)
      throw new Error(`a pixel has color ${index} of ${palette.colors}`);
    // Blue, green, red.
    for (let c = 0; c < 3; c++) data[3 * i + c] = bytes[at + 2 - c]!;
  }
  return { width, height, channels: 3, data };
}

function plainIndices(bytes: Uint8Array, header: Header): Uint8Array {
  const { width, height, bits } = header;
  const indices = new Uint8Array(width * height);
  const most = 2 ** bits - 1;
  eachRow(bytes, header, (row, at) => {
    for (let x = 0; x < width; x++) {
      const bit = x * bits;
      indices[row * width + x] = (bytes[at + (bit >> 3)]! >> (8 - bits - (bit & 7))) & most;
    }
  });
  return indices;
}

/** What runs leave out is color 0. */
function runLengths(bytes: Uint8Array, { width, height, topDown, bits, pixels }: Header): Uint8Array {
  const indices = new Uint8Array(width * height);
  let [x, y, at] = [0, 0, pixels];
  const next = () => {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error('it is cut off');
    return byte;
  };
  const put = (index: number) => {
    if (x < width && y < height) indices[(topDown ? y : height - 1 - y) * width + x] = index;
    x++;
  };
  const half = (byte: number, i: number) => (bits === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15);
  while (y < height) {
    const [count, second] = [next(), next()];
    if (count > 0) for (let i = 0; i < count; i++) put(half(second, i));
    else if (second === 0) [x, y] = [0, y + 1];
    else if (second === 1) break;
    else if (second === 2) [x, y] = [x + next(), y + next()];
    else {
      const length = Math.ceil((second * bits) / 8);
      for (let i = 0; i < second; i++) put(half(bytes[at + (bits === 8 ? i : i >> 1)] ?? 0, i));
      at += length + (length % 2);
    }
  }
  return indices;
}

function maskedPixels(bytes: Uint8Array, header: Header): Pixels {
  const { width, height, bits, masks } = header;
  const channels = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { mask, shift, most: mask >>> shift };
  });
  const wide = bits / 8;
  const data = new Uint8Array(width * height * 4);
  let opacities = 0;
  eachRow(bytes, header, (row, start) => {
    for (let x = 0; x < width; x++) {
      let value = 0;
      for (let b = wide - 1; b >= 0; b--) value = value * 256 + bytes[start + wide * x + b]!;
      for (const [c, { mask, shift, most }] of channels.entries()) {
        const level = most === 0 ? 0 : Math.floor((((value & mask) >>> shift) * 255) / most);
        data[4 * (row * width + x) + c] = level;
        if (c === 3) opacities |= level;
      }
    }
  });
  // Some programs write none of it and mean all.
  if (opacities !== 0) return { width, height, channels: 4, data };
  const colors = new Uint8Array(width * height * 3);
  for (let i = 0; i < colors.length; i++) colors[i] = data[Math.floor(i / 3) * 4 + (i % 3)]!;
  return { width, height, channels: 3, data: colors };
}
