/** How the samples of a TIFF file are stored. Source: TIFF 6.0, sections 2 and 8. */
const PHOTOMETRIC = 262;
const COLORS: Readonly<Record<number, string>> = {
  0: 'gray with 0 as white',
  1: 'gray',
  2: 'rgb',
  3: 'palette',
};

/** Whether it begins as TIFF files do, those of 64 bits too. */
export const isTiff = (file: Buffer): boolean =>
  ['49492a00', '4d4d002a', '49492b00', '4d4d002b'].includes(file.toString('hex', 0, 4));

/**
 * What the numbers of a TIFF file's first picture stand for. Decoders put gray in place of a palette's indices where all of
 * its colors are gray, so that the pixels do not tell.
 *
 * @throws Error when it is none, or has a directory of 64 bits
 */
export function tiffColor(file: Buffer): string {
  const little = file.toString('latin1', 0, 2) === 'II';
  const short = (at: number) => (little ? file.readUInt16LE(at) : file.readUInt16BE(at));
  const long = (at: number) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at));
  try {
    if (short(2) === 42) {
      const directory = long(4);
      for (let entry = 0; entry < short(directory); entry++) {
        const at = directory + 2 + 12 * entry;
        if (short(at) === PHOTOMETRIC) return COLORS[short(at + 8)] ?? `kind ${short(at + 8)}`;
      }
    }
  } catch (cause) {
    throw new Error('a TIFF file whose directory is beyond its end', { cause });
  }
  throw new Error('a TIFF file that does not say what its numbers are, or one of 64 bits');
}
