import { STORED_DTYPES } from '../storedDType';
import type { PickleValue, Storage } from './pickleValue';
import type { ByteRange, Reading } from './reading';
import type { TorchContents } from './torchContents';
import { MAX_PICKLE_BYTES, unpickle } from './unpickle';

/** The first pickle of a file, protocol 2: the integer 0x1950a86a20f9469cfc6c. */
const SIGNATURE = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
const PROTOCOL = 1001;
const COUNT_BYTES = 8;

export const isLegacyTorch = (signature: Uint8Array): boolean =>
  signature.length >= SIGNATURE.length && SIGNATURE.every((byte, i) => signature[i] === byte);

/**
 * The form before PyTorch 1.6: five pickles (signature, version, machine, content, keys of storages), then the storages
 * in the order of the keys, each after its number of elements. Reference: torch/serialization.py, `_legacy_save`.
 */
export function* legacyContents(size: number): Reading<TorchContents> {
  const head = yield { begin: 0, end: Math.min(size, MAX_PICKLE_BYTES) };
  const byKey = new Map<string, Storage>();
  let at = SIGNATURE.length;
  const next = (): PickleValue => {
    const { value, end } = unpickle(head, at, byKey);
    at = end;
    return value;
  };
  const version = next();
  if (version !== PROTOCOL) throw new Error(`it has the version ${String(version)}; ${PROTOCOL} is read.`);
  const machine = next();
  if (!(machine instanceof Map) || machine.get('little_endian') !== true)
    throw new Error('it is big-endian, or does not say; only little-endian files are read.');
  const value = next();
  const keys = next();
  if (!Array.isArray(keys)) throw new Error('the keys of its storages are no list.');

  const storages = new Map<Storage, ByteRange>();
  for (const key of keys) {
    const storage = typeof key === 'string' ? byKey.get(key) : undefined;
    if (storage === undefined || storages.has(storage))
      throw new Error('the list of its storages names one twice, or one that nothing uses.');
    if (at + COUNT_BYTES > size) throw cutOff(storage);
    const count = yield { begin: at, end: at + COUNT_BYTES };
    const elements = new DataView(count.buffer, count.byteOffset, COUNT_BYTES).getBigInt64(0, true);
    if (elements !== BigInt(storage.length))
      throw new Error(`storage "${storage.key}" has ${elements} elements; expected ${storage.length}.`);
    const begin = at + COUNT_BYTES;
    at = begin + storage.length * STORED_DTYPES[storage.dtype].bytes;
    if (at > size) throw cutOff(storage);
    storages.set(storage, { begin, end: at });
  }
  return { value, storages };
}

const cutOff = ({ key }: Storage) =>
  new Error(`the data of storage "${key}" are cut off: the file is damaged or truncated.`);
