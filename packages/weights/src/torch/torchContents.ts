import type { PickleValue, Storage } from './pickleValue';
import type { ByteRange } from './reading';

/** What the two forms of PyTorch's files have in common: a pickle's value, and where its storages lie. */
export interface TorchContents {
  readonly value: PickleValue;
  readonly storages: ReadonlyMap<Storage, ByteRange>;
}
