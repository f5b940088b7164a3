import { bytesOf, pointing } from './bytes';
import { NAMED_TYPES, type PjrtLibrary } from './library';

/** Values by name, as a plugin takes its options. Integers are BigInts here: numbers are floats. */
export type NamedValues = Readonly<Record<string, string | number | bigint | boolean | readonly bigint[]>>;

/** A list of `PJRT_NamedValue`. */
export function encodeNamedValues({ part }: PjrtLibrary, options: NamedValues): Uint8Array {
  const items = Object.entries(options).map(([key, value]) => {
    const name = new TextEncoder().encode(key);
    return part(
      'NamedValue',
      { name, nameSize: BigInt(name.length), ...encodedValue(value) },
      { exact: true },
    );
  });
  return pointing(Uint8Array.from(items.flatMap((item) => [...item])), items);
}

function encodedValue(value: NamedValues[string]) {
  if (typeof value === 'string') {
    const text = new TextEncoder().encode(value);
    return { type: NAMED_TYPES.string, value: text, valueSize: BigInt(text.length) };
  }
  if (typeof value === 'object') {
    const list = bytesOf(BigInt64Array.from(value));
    return { type: NAMED_TYPES.integers, value: list, valueSize: BigInt(value.length) };
  }
  if (typeof value === 'boolean') {
    return { type: NAMED_TYPES.boolean, value: value ? 1n : 0n, valueSize: 1n };
  }
  if (typeof value === 'bigint') return { type: NAMED_TYPES.integer, value, valueSize: 1n };
  const [bits = 0] = new Uint32Array(Float32Array.of(value).buffer);
  return { type: NAMED_TYPES.float, value: BigInt(bits), valueSize: 1n };
}
