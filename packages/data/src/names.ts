/** Names of images as a worker needs them: one at a time. An array is one. */
export type Names = Pick<readonly string[], 'length' | 'at'>;

/** Names that threads share: of a million images, a copy for each would take 100 MB. */
export interface PackedNames {
  /** UTF-8, one right after the other. */
  readonly text: Uint8Array<SharedArrayBuffer>;
  /** Where each ends in `text`. */
  readonly ends: Float64Array<SharedArrayBuffer>;
}

export function packNames(names: readonly string[]): PackedNames {
  const ends = new Float64Array(new SharedArrayBuffer(8 * names.length));
  let end = 0;
  for (const [i, name] of names.entries()) {
    end += Buffer.byteLength(name);
    ends[i] = end;
  }
  const text = new Uint8Array(new SharedArrayBuffer(end));
  const buffer = Buffer.from(text.buffer);
  for (const [i, name] of names.entries()) buffer.write(name, i === 0 ? 0 : ends[i - 1]!);
  return { text, ends };
}

export const unpackNames = ({ text, ends }: PackedNames): Names => ({
  length: ends.length,
  at(index) {
    const i = index < 0 ? index + ends.length : index;
    if (!(i in ends)) return undefined;
    const start = i === 0 ? 0 : ends[i - 1]!;
    return Buffer.from(text.buffer, start, ends[i]! - start).toString();
  },
});
