import { isKind, type PickleValue } from './torch/pickleValue';
import { unpickle } from './torch/unpickle';

/**
 * What a pickle holds, as data: dicts as Maps, lists and tuples as arrays, texts, numbers, arrays of NumPy (see
 * `uint8Array`). Nothing in it is called. Time and memory are bounded by its length.
 *
 * @throws when it is damaged, or does more than data need: the error says what
 */
export const parsePickle = (bytes: Uint8Array): PickleValue => unpickle(bytes, 0, new Map()).value;

/** An array of NumPy with a byte for each element, row by row; its data are a view of the pickle. Undefined for all else. */
export function uint8Array(
  value: PickleValue | undefined,
): { readonly shape: readonly number[]; readonly data: Uint8Array } | undefined {
  if (!isKind(value, 'inert') || !value.state) return undefined;
  const [, shape, , isFortran, content] = value.state;
  if (!isKind(content, 'inert') || !content.bytes || isFortran !== false || !Array.isArray(shape))
    return undefined;
  const sides = shape.filter((side): side is number => typeof side === 'number');
  const size = sides.reduce((product, side) => product * side, 1);
  if (sides.length !== shape.length || size !== content.bytes.length) return undefined;
  return { shape: sides, data: content.bytes };
}
