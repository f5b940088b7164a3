import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** `\x7fELF` */
const ELF_MAGIC = 0x7f454c46;
const ELF_HEADER = 64;

/**
 * The system's loader maps a library that was cut off as if it were whole, and the process dies where it reads what is missing.
 * Reference: elf(5)
 *
 * @param mend what to do, as a sentence
 * @throws when the headers of its sections, which come last, are not in the file
 */
export function assertWhole(path: string, mend: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return;
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const header = new DataView(new ArrayBuffer(ELF_HEADER));
    if (readSync(file, header) < ELF_HEADER || header.getUint32(0) !== ELF_MAGIC) return;
    const [offset, bytes, count] = [
      header.getBigUint64(40, true),
      header.getUint16(58, true),
      header.getUint16(60, true),
    ];
    const end = Number(offset) + bytes * count;
    if (size < end) throw new Error(`${path} is cut off: it has ${size} bytes of ${end} or more. ${mend}`);
  } finally {
    closeSync(file);
  }
}
