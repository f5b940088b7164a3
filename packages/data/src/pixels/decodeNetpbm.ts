// Ours: sharp is built without a decoder of it, and it is a few lines.
import { assertSize } from './assertSize';
import type { Pixels } from './pixels';

/** Whether bytes begin as one of the six kinds of PBM, PGM and PPM. */
export const isNetpbm = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1]! >= 0x31 && bytes[1]! <= 0x36 && isBlank(bytes[2]);

const isBlank = (byte: number | undefined) =>
  byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13) || byte === 35;

/**
 * A PBM, PGM or PPM file, in text or bytes; levels are spread over 0 to 255. Reference: netpbm.sourceforge.net/doc/ppm.html
 *
 * @throws when it is cut off, too large, see `assertSize`, or has a level above its own greatest
 */
export function decodeNetpbm(bytes: Uint8Array): Pixels {
  const kind = bytes[1]! - 0x30;
  const isText = kind <= 3;
  const isBits = kind === 1 || kind === 4;
  const perPixel = kind === 3 || kind === 6 ? 3 : 1;
  let at = 2;
  const skip = () => {
    for (; isBlank(bytes[at]); at++) {
      if (bytes[at] === 35) while (at < bytes.length && bytes[at] !== 10 && bytes[at] !== 13) at++;
    }
  };
  const number = (digits = Number.POSITIVE_INFINITY): number => {
    skip();
    const from = at;
    while (at - from < digits && bytes[at]! >= 48 && bytes[at]! <= 57) at++;
    if (at === from) throw new Error(at >= bytes.length ? 'it is cut off' : `byte ${at} is no number`);
    return Number(String.fromCharCode(...bytes.subarray(from, at)));
  };
  const [width, height] = [number(), number()];
  const most = isBits ? 1 : number();
  if (width * height === 0 || most === 0 || most > 65535)
    throw new Error(`it is of ${width}x${height} pixels with levels up to ${most}`);
  assertSize({ width, height, pixelBytes: 3 });
  // One blank, and no more, comes before bytes.
  at++;
  const levels = new Uint16Array(width * height * perPixel);
  if (isText) for (let i = 0; i < levels.length; i++) levels[i] = number(isBits ? 1 : undefined);
  else {
    const wide = most > 255 ? 2 : 1;
    const stride = isBits ? Math.ceil(width / 8) : width * perPixel * wide;
    if (at + stride * height > bytes.length) throw new Error('it is cut off');
    for (let i = 0; i < levels.length; i++) {
      const [row, column] = [Math.floor(i / (width * perPixel)), i % (width * perPixel)];
      const begin = at + stride * row;
      if (isBits) levels[i] = (bytes[begin + (column >> 3)]! >> (7 - (column & 7))) & 1;
      else if (wide === 1) levels[i] = bytes[begin + column]!;
      else levels[i] = bytes[begin + 2 * column]! * 256 + bytes[begin + 2 * column + 1]!;
    }
  }
  const largest = levels.reduce((max, level) => Math.max(max, level), 0);
  if (largest > most) throw new Error(`it has a level of ${largest}; expected at most ${most}`);
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const level = levels[perPixel === 3 ? i : Math.floor(i / 3)]!;
    // 1 is black in a bitmap.
    data[i] = isBits ? 255 * (1 - level) : Math.round((level * 255) / most);
  }
  return { width, height, channels: 3, data };
}
