import type { ByteRange, Reading } from './reading';

const SIGNATURE = {
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
  central: 0x02014b50,
  local: 0x04034b50,
} as const;
const BYTES = { end: 22, end64: 56, locator64: 20, central: 46, local: 30 } as const;
const ZIP64_EXTRA = 1;

/** A checkpoint with optimizer state has some thousands. The header of each is read from the file. */
const MAX_ENTRIES = 2 ** 16;
const MAX_DIRECTORY_BYTES = 16 * 2 ** 20;

/** What a 16 or 32-bit field holds when the value stands in a zip64 field. */
const FULL_16 = 0xffff;
const FULL_32 = 0xffffffff;

interface CentralEntry {
  readonly name: string;
  /** Where the local header begins. */
  readonly offset: number;
  readonly size: number;
}

/**
 * Where the content of each entry of a zip archive lies, for archives that store without compression, as `torch.save`
 * writes them. Archives are taken for hostile: compressed and encrypted entries, equal names, names that lead out of
 * the archive, entries that overlap or lie outside of the file, and headers that contradict each other are errors.
 * Checksums are not compared, which `torch.load` does not do either.
 *
 * Format: APPNOTE.TXT 6.3.10 of PKWARE, sections 4.3 to 4.5.
 */
export function* zipEntries(size: number): Reading<Map<string, ByteRange>> {
  const directory = yield* findDirectory(size);
  const central = readDirectory(yield directory, directory.count, size);
  const entries = new Map<string, ByteRange>();
  let covered = 0;
  for (const { name, offset, size: bytes } of central.sort((a, b) => a.offset - b.offset)) {
    if (offset < covered) throw new Error(`the zip entry "${name}" overlaps another one.`);
    const nameBytes = new TextEncoder().encode(name);
    const headerEnd = offset + BYTES.local + nameBytes.length;
    if (headerEnd > directory.begin) throw outside(name);
    const header = yield { begin: offset, end: headerEnd };
    const begin = headerEnd + extraBytes(header, nameBytes, name);
    const end = begin + bytes;
    if (end > directory.begin) throw outside(name);
    entries.set(name, { begin, end });
    covered = end;
  }
  return entries;
}

function outside(name: string): Error {
  return new Error(
    `the zip entry "${name}" lies outside of the file's data: the file is damaged or truncated.`,
  );
}

interface Directory extends ByteRange {
  readonly count: number;
}

function* findDirectory(size: number): Reading<Directory> {
  const tailBegin = Math.max(0, size - BYTES.end - FULL_16);
  const tail = view(yield { begin: tailBegin, end: size });
  let at = tail.byteLength - BYTES.end;
  // The end record has a comment of up to 64 KiB after it.
  while (
    at >= 0 &&
    !(u32(tail, at) === SIGNATURE.end && at + BYTES.end + u16(tail, at + 20) === tail.byteLength)
  )
    at--;
  if (at < 0) throw new Error('its zip directory is missing: the file is truncated, or not a zip archive.');
  const endBegin = tailBegin + at;
  const short = { count: u16(tail, at + 10), bytes: u32(tail, at + 12), begin: u32(tail, at + 16) };
  const oneDisk = u16(tail, at + 4) === 0 && u16(tail, at + 6) === 0 && u16(tail, at + 8) === short.count;
  if (!oneDisk) throw new Error('its zip archive has several parts, or its directory contradicts itself.');
  const long = yield* findDirectory64(endBegin);
  const { count, bytes, begin } = long ?? short;
  if (
    long &&
    !(
      agrees(short.count, long.count, FULL_16) &&
      agrees(short.bytes, long.bytes, FULL_32) &&
      agrees(short.begin, long.begin, FULL_32)
    )
  ) {
    throw new Error('its zip64 directory record contradicts the short one.');
  }
  if (bytes > MAX_DIRECTORY_BYTES || count > MAX_ENTRIES) {
    throw new Error(
      `its zip directory has ${count} entries and ${bytes} bytes; at most ${MAX_ENTRIES} and ${MAX_DIRECTORY_BYTES} are read.`,
    );
  }
  if (begin + bytes !== (long?.recordBegin ?? endBegin)) {
    throw new Error('its zip directory is not where it says: the file is damaged or truncated.');
  }
  return { begin, end: begin + bytes, count };
}

function* findDirectory64(
  endBegin: number,
): Reading<{ count: number; bytes: number; begin: number; recordBegin: number } | undefined> {
  if (endBegin < BYTES.locator64 + BYTES.end64) return undefined;
  const recordBegin = endBegin - BYTES.locator64 - BYTES.end64;
  const record = view(yield { begin: recordBegin, end: endBegin });
  if (u32(record, BYTES.end64) !== SIGNATURE.locator64) return undefined;
  if (u32(record, 0) !== SIGNATURE.end64 || u64(record, BYTES.end64 + 8) !== recordBegin)
    throw new Error('its zip64 directory record is not where it says: the file is damaged.');
  return { count: u64(record, 32), bytes: u64(record, 40), begin: u64(record, 48), recordBegin };
}

const agrees = (short: number, long: number, full: number) => short === long || short === full;

function readDirectory(bytes: Uint8Array, count: number, fileBytes: number): CentralEntry[] {
  const directory = view(bytes);
  const entries: CentralEntry[] = [];
  const names = new Set<string>();
  let at = 0;
  while (at < bytes.length) {
    if (at + BYTES.central > bytes.length || u32(directory, at) !== SIGNATURE.central)
      throw new Error(`entry ${entries.length} of its zip directory is damaged.`);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      u16(directory, at + field),
    ) as [number, number, number];
    const extraAt = at + BYTES.central + nameLength;
    const next = extraAt + extraLength + commentLength;
    if (next > bytes.length) throw new Error(`entry ${entries.length} of its zip directory is damaged.`);
    const name = decodeName(bytes.subarray(at + BYTES.central, extraAt));
    if (names.has(name)) throw new Error(`the zip entry "${name}" is there twice.`);
    names.add(name);
    assertStored(name, u16(directory, at + 8), u16(directory, at + 10));
    const extra = bytes.subarray(extraAt, extraAt + extraLength);
    const [size, packed, offset] = wideFields(
      name,
      [u32(directory, at + 24), u32(directory, at + 20), u32(directory, at + 42)],
      extra,
    );
    if (size !== packed) throw new Error(`the zip entry "${name}" is stored, but its two sizes differ.`);
    if (size > fileBytes || offset > fileBytes) throw outside(name);
    entries.push({ name, offset, size });
    at = next;
  }
  if (entries.length !== count)
    throw new Error(`its zip directory has ${entries.length} entries, but says ${count}.`);
  return entries;
}

function decodeName(bytes: Uint8Array): string {
  let name: string;
  try {
    name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new Error('a name in its zip directory is not UTF-8.', { cause });
  }
  if (name === '' || name.startsWith('/') || /\\|\0/.test(name) || name.split('/').includes('..'))
    throw new Error(`the zip entry ${JSON.stringify(name)} has a name that leads out of the archive.`);
  return name;
}

const ENCRYPTED = 0x2041; // Encrypted, strongly encrypted, masked headers.

function assertStored(name: string, flags: number, method: number): void {
  if (flags & ENCRYPTED) throw new Error(`the zip entry "${name}" is encrypted.`);
  if (method !== 0) {
    throw new Error(
      `the zip entry "${name}" is compressed (method ${method}); torch.save stores without compression. Unpack the archive and pack it again without compression, or save it again in Python.`,
    );
  }
}

/** Sizes and the offset, of which those that do not fit stand in the zip64 extra field, in this order. */
function wideFields(
  name: string,
  fields: readonly [number, number, number],
  extra: Uint8Array,
): [number, number, number] {
  const damaged = () => new Error(`the zip64 field of the entry "${name}" is damaged.`);
  let wide: DataView | undefined;
  for (let at = 0; at + 4 <= extra.length; ) {
    const all = view(extra);
    const [id, length] = [u16(all, at), u16(all, at + 2)];
    if (at + 4 + length > extra.length) throw damaged();
    if (id === ZIP64_EXTRA) {
      if (wide) throw damaged();
      wide = view(extra.subarray(at + 4, at + 4 + length));
    }
    at += 4 + length;
  }
  let used = 0;
  return fields.map((field) => {
    if (field !== FULL_32) return field;
    if (wide === undefined || used + 8 > wide.byteLength) throw damaged();
    const value = u64(wide, used);
    used += 8;
    return value;
  }) as [number, number, number];
}

/** Length of the local header's extra field, once the header is known to be that of the directory's entry. */
function extraBytes(bytes: Uint8Array, nameBytes: Uint8Array, name: string): number {
  const header = view(bytes);
  const sameName =
    u16(header, 26) === nameBytes.length && nameBytes.every((byte, i) => byte === bytes[BYTES.local + i]);
  if (u32(header, 0) !== SIGNATURE.local || !sameName)
    throw new Error(`the header of the zip entry "${name}" is not where the directory says.`);
  assertStored(name, u16(header, 6), u16(header, 8));
  return u16(header, 28);
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const u16 = (data: DataView, at: number) => data.getUint16(at, true);
const u32 = (data: DataView, at: number) => data.getUint32(at, true);

function u64(data: DataView, at: number): number {
  const value = data.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new Error(`its zip archive has a length of ${value} bytes.`);
  return Number(value);
}
