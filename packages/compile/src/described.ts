/** `Symbol.toStringTag` of typed arrays, which tells their type whatever realm (worker, sandbox, frame) they are of. */
const typeOfArray = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)!.get!;

/** `Float32Array` and the like, or `undefined` for anything but a typed array. */
export const arrayTypeOf = (value: unknown): string | undefined => typeOfArray.call(value);

/** What a value is, in words: `a Float64Array of 3`, `null`, `a number`. */
export function described(value: unknown): string {
  const arrayType = arrayTypeOf(value);
  if (arrayType !== undefined) {
    const { length, buffer } = value as Uint8Array;
    return `${withArticle(arrayType)} of ${length}${isDetached(buffer) ? ', whose memory was transferred away' : ''}`;
  }
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value !== 'object') return withArticle(typeof value);
  return withArticle(Object.prototype.toString.call(value).slice('[object '.length, -1));
}

/** No view can be made of it. Node 20 has no `ArrayBuffer.prototype.detached`. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/** `an Int32Array`, `a Uint8Array`. */
export const withArticle = (noun: string): string => `${/^[aeio]/i.test(noun) ? 'an' : 'a'} ${noun}`;
