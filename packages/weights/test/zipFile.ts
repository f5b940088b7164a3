/** A zip archive byte by byte, so that a test can make every field of it a lie. */
export interface ZipEntry {
  readonly name: string;
  readonly content: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  /** In place of the right values in the directory. */
  readonly size?: number;
  readonly packedSize?: number;
  readonly offset?: number;
  /** In place of the right name in the local header. */
  readonly localName?: string;
  /** Extra field of the directory's entry. */
  readonly extra?: Uint8Array;
}

export interface ZipLies {
  readonly count?: number;
  readonly directoryBytes?: number;
  readonly directoryBegin?: number;
  readonly disk?: number;
  /** With a zip64 record, whose fields may lie too. */
  readonly zip64?: {
    readonly count?: number;
    readonly bytes?: number;
    readonly begin?: number;
    readonly at?: number;
  };
}

export function zipFile(entries: readonly ZipEntry[], lies: ZipLies = {}): Uint8Array {
  const pieces: Buffer[] = [];
  let length = 0;
  const add = (piece: Uint8Array) => {
    pieces.push(Buffer.from(piece));
    length += piece.length;
  };
  const offsets = entries.map((entry) => {
    const offset = length;
    const name = Buffer.from(entry.localName ?? entry.name);
    add(fields([4, 0x04034b50], [2, 20], [2, entry.flags ?? 0], [2, entry.method ?? 0], [4, 0]));
    add(fields([4, 0], [4, entry.content.length], [4, entry.content.length], [2, name.length], [2, 0]));
    add(name);
    add(entry.content);
    return offset;
  });
  const begin = length;
  entries.forEach((entry, i) => {
    const name = Buffer.from(entry.name);
    const extra = entry.extra ?? new Uint8Array(0);
    const size = entry.size ?? entry.content.length;
    add(
      fields(
        [4, 0x02014b50],
        [2, 20],
        [2, 20],
        [2, entry.flags ?? 0],
        [2, entry.method ?? 0],
        [4, 0],
        [4, 0],
      ),
    );
    add(
      fields([4, entry.packedSize ?? size], [4, size], [2, name.length], [2, extra.length], [2, 0], [2, 0]),
    );
    add(fields([2, 0], [4, 0], [4, entry.offset ?? offsets[i]!]));
    add(name);
    add(extra);
  });
  const bytes = length - begin;
  const { count = entries.length, directoryBytes = bytes, directoryBegin = begin, disk = 0, zip64 } = lies;
  if (zip64) {
    const at = length;
    add(fields([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0]));
    add(fields([8, entries.length], [8, zip64.count ?? entries.length], [8, zip64.bytes ?? bytes]));
    add(fields([8, zip64.begin ?? begin]));
    add(fields([4, 0x07064b50], [4, 0], [8, zip64.at ?? at], [4, 1]));
  }
  add(fields([4, 0x06054b50], [2, disk], [2, disk], [2, count], [2, count], [4, directoryBytes]));
  add(fields([4, directoryBegin], [2, 0]));
  return new Uint8Array(Buffer.concat(pieces));
}

/** Little-endian unsigned integers, each as [bytes, value]. */
export function fields(...values: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Uint8Array {
  return Buffer.concat(
    values.map(([bytes, value]) => {
      const field = Buffer.alloc(8);
      field.writeBigUInt64LE(BigInt(value));
      return field.subarray(0, bytes);
    }),
  );
}
