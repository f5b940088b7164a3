/** Names of images, in order. An array is one. */
export interface Names extends Iterable<string> {
  readonly length: number;
  /** As of an array. */
  at(index: number): string | undefined;
}

/** Names as plain data that threads share. */
export interface PackedNames {
  /** UTF-8, one right after the other. */
  readonly text: Uint8Array<SharedArrayBuffer>;
  /** Where each ends in `text`. */
  readonly ends: Float64Array<SharedArrayBuffer>;
}

/** Names that are packed, and unpacked one at a time. */
interface UnpackedNames extends Names {
  readonly packed: PackedNames;
}

/** Fewer strings are no burden. */
const MANY = 10_000;

/**
 * The names, packed where they are many: the garbage collector would look at a million strings every few batches, which
 * makes a loader half as fast.
 */
export const compactNames = (names: Names): Names =>
  names.length < MANY ? [...names] : unpackNames(packNames(names));

export function packNames(names: Names): PackedNames {
  if ('packed' in names) return (names as UnpackedNames).packed;
  const ends = new Float64Array(new SharedArrayBuffer(8 * names.length));
  let [end, count] = [0, 0];
  for (const name of names) {
    end += Buffer.byteLength(name);
    ends[count++] = end;
  }
  const text = new Uint8Array(new SharedArrayBuffer(end));
  const buffer = Buffer.from(text.buffer);
  let at = 0;
  for (const name of names) at += buffer.write(name, at);
  return { text, ends };
}

export function unpackNames(packed: PackedNames): Names {
  const { text, ends } = packed;
  const { length } = ends;
  const nameAt = (i: number): string => {
    const start = i === 0 ? 0 : ends[i - 1]!;
    return Buffer.from(text.buffer, start, ends[i]! - start).toString();
  };
  const names: UnpackedNames = {
    packed,
    length,
    at(index) {
      const i = index < 0 ? index + length : index;
      return i in ends ? nameAt(i) : undefined;
    },
    *[Symbol.iterator]() {
      for (let i = 0; i < length; i++) yield nameAt(i);
    },
  };
  return names;
}
