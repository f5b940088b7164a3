import { crc32 } from 'node:zlib';

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
/** By their number in the header. */
const COLORS = { 0: 'gray', 2: 'rgb', 3: 'palette', 4: 'gray with opacity', 6: 'rgb with opacity' } as const;
/** Where the header's chunk is: length, name, 13 bytes, checksum. */
const HEADER = { data: 16, color: 25, end: 33 } as const;

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly color: (typeof COLORS)[keyof typeof COLORS];
}

/** What a PNG file says of itself. @throws when it is none */
export function pngHeader(file: Buffer): PngHeader {
  const isPng = file.length >= HEADER.end && SIGNATURE.every((byte, i) => file[i] === byte);
  if (!isPng || file.toString('latin1', 12, 16) !== 'IHDR') throw new Error('not a PNG file');
  const color = COLORS[file[HEADER.color] as keyof typeof COLORS];
  if (!color) throw new Error(`a PNG file of the unknown kind ${file[HEADER.color]}`);
  return {
    width: file.readUInt32BE(HEADER.data),
    height: file.readUInt32BE(HEADER.data + 4),
    bitDepth: file[HEADER.data + 8]!,
    color,
  };
}

/**
 * The same file with gray levels in place of palette indices, and nothing that changes levels: a profile, a gamma. Decoders
 * give the colors of a palette, and no indices; but both are stored alike, so that another header, without the palette, is all
 * it takes.
 */
export function indexedAsGray(file: Buffer): Buffer {
  const header = Buffer.from(file.subarray(0, HEADER.end));
  header[HEADER.color] = 0;
  header.writeUInt32BE(crc32(header.subarray(12, HEADER.end - 4)), HEADER.end - 4);
  const kept: Buffer[] = [header];
  for (let at: number = HEADER.end; at + 12 <= file.length; ) {
    const end = at + 12 + file.readUInt32BE(at);
    const name = file.toString('latin1', at + 4, at + 8);
    if (name === 'IDAT' || name === 'IEND') kept.push(file.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}
