import type { HuffmanCode } from './huffmanTable';

/** What comes before the scan of a JPEG file: baseline, three components, one scan. */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** Whether the colour components have half of the columns, and half of the rows. */
  readonly halfAcross: boolean;
  readonly halfDown: boolean;
  /** Luma, blue and red. */
  readonly components: readonly JpegComponent[];
  /** MCUs between restart markers; 0: there are none. */
  readonly restartInterval: number;
  /** Where the scan's data begins. */
  readonly scan: number;
}

export interface JpegComponent {
  /** 64 factors, in zigzag order. */
  readonly factors: Uint8Array;
  readonly dc: HuffmanCode;
  readonly ac: HuffmanCode;
}

const MARKER = { SOF0: 0xc0, SOF1: 0xc1, DHT: 0xc4, SOI: 0xd8, SOS: 0xda, DQT: 0xdb, DRI: 0xdd } as const;
const APP = { JFIF: 0xe0, EXIF: 0xe1, ICC: 0xe2, ADOBE: 0xee } as const;

const JFIF_BYTES = 14;

const startsWith = (segment: Uint8Array, text: string) =>
  [...text].every((letter, i) => segment[i] === letter.charCodeAt(0));
const uint16 = (bytes: Uint8Array, at: number) => (bytes[at]! << 8) | bytes[at + 1]!;

/**
 * The header of the most common kind of JPEG file: 8 bits, baseline, Y'CbCr with colours in full or halved across or
 * both ways, upright, without a colour profile.
 *
 * @returns undefined for any other file, damaged ones included
 */
export function parseJpeg(bytes: Uint8Array): JpegHeader | undefined {
  const factors = new Map<number, Uint8Array>();
  const codes = new Map<number, HuffmanCode>();
  let frame: Uint8Array | undefined;
  let restartInterval = 0;
  let knownColours = false;
  if (bytes[0] !== 0xff || bytes[1] !== MARKER.SOI) return undefined;
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1]!;
    const length = uint16(bytes, at + 2);
    if (length < 2 || at + 2 + length > bytes.length) return undefined;
    const segment = bytes.subarray(at + 4, at + 2 + length);
    at += 2 + length;
    if (marker === MARKER.SOF0 || marker === MARKER.SOF1) {
      if (frame) return undefined;
      frame = segment;
    } else if (marker === MARKER.DQT) {
      if (!readFactors(segment, factors)) return undefined;
    } else if (marker === MARKER.DHT) {
      if (!readCodes(segment, codes)) return undefined;
    } else if (marker === MARKER.DRI) {
      if (segment.length !== 2) return undefined;
      restartInterval = uint16(segment, 0);
    } else if (marker === MARKER.SOS) {
      const layout = frame && readFrame(frame, knownColours);
      const components = layout && readScan(segment, layout, factors, codes);
      return components && { ...layout, components, restartInterval, scan: at };
    } else if (marker === APP.JFIF) {
      // As libjpeg has it, a shorter one is none, and says nothing of colours; sharp refuses another version than 1.
      if (segment.length >= JFIF_BYTES && startsWith(segment, 'JFIF\0')) {
        if (segment[5] !== 1) return undefined;
        knownColours = true;
      }
    } else if (marker === APP.EXIF) {
      if (startsWith(segment, 'Exif\0') && !isUpright(segment.subarray(6))) return undefined;
    } else if (marker === APP.ICC) {
      if (startsWith(segment, 'ICC_PROFILE\0')) return undefined;
    } else if (marker === APP.ADOBE) {
      if (startsWith(segment, 'Adobe') && segment[11] !== 1) return undefined;
    } else if (marker < 0xe0 || (marker > 0xef && marker !== 0xfe)) {
      // Neither application data nor a comment: progressive, arithmetic, lossless, hierarchical.
      return undefined;
    }
  }
  return undefined;
}

function readFactors(segment: Uint8Array, factors: Map<number, Uint8Array>): boolean {
  if (segment.length % 65 !== 0) return false;
  for (let at = 0; at < segment.length; at += 65) {
    // The upper four bits are 1 for factors of 16 bits.
    if (segment[at]! > 3) return false;
    factors.set(segment[at]!, segment.subarray(at + 1, at + 65));
  }
  return true;
}

/** By class (0: DC, 16: AC) and number. */
function readCodes(segment: Uint8Array, codes: Map<number, HuffmanCode>): boolean {
  for (let at = 0; at < segment.length; ) {
    const counts = segment.subarray(at + 1, at + 17);
    const end = at + 17 + counts.reduce((sum, count) => sum + count, 0);
    const symbols = segment.subarray(at + 17, end);
    if (end > segment.length || symbols.length > 256) return false;
    codes.set(segment[at]!, { counts, symbols });
    at = end;
  }
  return true;
}

function readFrame(frame: Uint8Array, knownColours: boolean) {
  if (frame.length !== 15 || frame[0] !== 8 || frame[5] !== 3) return undefined;
  const [height, width] = [uint16(frame, 1), uint16(frame, 3)];
  const parts = [6, 9, 12].map((at) => ({
    id: frame[at]!,
    sampling: frame[at + 1]!,
    factors: frame[at + 2]!,
  }));
  const [luma, blue, red] = parts as [(typeof parts)[0], (typeof parts)[0], (typeof parts)[0]];
  if (!knownColours && !(luma.id === 1 && blue.id === 2 && red.id === 3)) return undefined;
  if (![0x11, 0x21, 0x22].includes(luma.sampling) || blue.sampling !== 0x11 || red.sampling !== 0x11)
    return undefined;
  return { width, height, halfAcross: luma.sampling > 0x20, halfDown: luma.sampling === 0x22, parts };
}

function readScan(
  segment: Uint8Array,
  { parts }: NonNullable<ReturnType<typeof readFrame>>,
  factors: ReadonlyMap<number, Uint8Array>,
  codes: ReadonlyMap<number, HuffmanCode>,
): JpegComponent[] | undefined {
  // All three components, all 64 coefficients, in full precision.
  if (segment.length !== 10 || segment[0] !== 3 || segment[7] !== 0 || segment[8] !== 63 || segment[9] !== 0)
    return undefined;
  const components = parts.flatMap((part, i) => {
    const choice = segment[2 + 2 * i]!;
    const [own, dc, ac] = [factors.get(part.factors), codes.get(choice >> 4), codes.get(16 | (choice & 15))];
    return segment[1 + 2 * i] === part.id && own && dc && ac ? [{ factors: own, dc, ac }] : [];
  });
  return components.length === 3 ? components : undefined;
}

/** Whether Exif data says that the image is upright, or nothing about it. */
function isUpright(exif: Uint8Array): boolean {
  const data = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  if (exif.length < 14) return false;
  const little = startsWith(exif, 'II');
  const directory = data.getUint32(4, little);
  if (directory + 2 > exif.length) return false;
  const count = data.getUint16(directory, little);
  if (directory + 2 + 12 * count > exif.length) return false;
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + 12 * i;
    const ORIENTATION = 0x0112;
    if (data.getUint16(entry, little) === ORIENTATION) return data.getUint16(entry + 8, little) === 1;
  }
  return true;
}
