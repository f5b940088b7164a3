import { STORED_DTYPES } from '../storedDType';
import type { Storage } from './pickleValue';
import type { ByteRange, Reading } from './reading';
import type { TorchContents } from './torchContents';
import { MAX_PICKLE_BYTES, unpickle } from './unpickle';
import { zipEntries } from './zipEntries';

/** Whether a file begins as a zip archive does. */
export const isZip = (signature: Uint8Array): boolean =>
  signature.length >= 4 && [0x50, 0x4b, 0x03, 0x04].every((byte, i) => signature[i] === byte);

/**
 * The form since PyTorch 1.6: a zip archive with `<root>/data.pkl`, `<root>/data/<key>` for each storage and, since 2.1,
 * `<root>/byteorder`. Reference: torch/serialization.py, `_save` and `_load`.
 */
export function* zipContents(size: number): Reading<TorchContents> {
  const entries = yield* zipEntries(size);
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) {
    throw new Error(
      `a zip archive with ${pickles.length} entries "*/data.pkl"; torch.save writes exactly one.`,
    );
  }
  const root = pickles[0]!.slice(0, -'data.pkl'.length);
  if (entries.has(`${root}constants.pkl`))
    throw new Error('a TorchScript program; save its state_dict() instead.');
  const order = entries.get(`${root}byteorder`);
  if (order) yield* assertByteOrder(order);

  const range = entries.get(pickles[0]!)!;
  const bytes = range.end - range.begin;
  if (bytes > MAX_PICKLE_BYTES)
    throw new Error(`its data.pkl has ${bytes} bytes; at most ${MAX_PICKLE_BYTES} are read.`);
  const storages = new Map<string, Storage>();
  const { value } = unpickle(yield range, 0, storages);
  return { value, storages: new Map([...storages.values()].map((storage) => [storage, placeOf(storage)])) };

  function placeOf({ key, dtype, length }: Storage): ByteRange {
    const place = entries.get(`${root}data/${key}`);
    if (place === undefined) throw new Error(`the data of storage "${key}" are missing.`);
    const expected = length * STORED_DTYPES[dtype].bytes;
    if (place.end - place.begin !== expected) {
      throw new Error(
        `storage "${key}" of ${length} ${dtype} elements needs ${expected} bytes, but has ${place.end - place.begin}.`,
      );
    }
    return place;
  }
}

function* assertByteOrder({ begin, end }: ByteRange): Reading<void> {
  const text = new TextDecoder().decode(yield { begin, end: Math.min(end, begin + 16) });
  if (text !== 'little') {
    throw new Error(
      `its byte order is ${JSON.stringify(text)}; only little-endian files are read. Save it again on another machine.`,
    );
  }
}
