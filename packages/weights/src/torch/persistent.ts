import { refusedName } from './globalOf';
import { isKind, type PickleClass, type PickleValue, STORAGES, type Storage } from './pickleValue';

/**
 * What a persistent id refers to: a storage, or in the old format a class, `('module', class, file, source)`, whose source
 * text, for warnings of `torch.load`, is left alone (torch/serialization.py, `_legacy_save`).
 */
export function persistent(id: PickleValue, storages: Map<string, Storage>): Storage | PickleClass {
  const [tag, type] = Array.isArray(id) ? id : [];
  return tag === 'module' && isKind(type, 'class') ? type : storageOf(id, storages);
}

/**
 * `('storage', type, key, device, elements)`, in the old format with a sixth part, None.
 * The first of a key is added to `storages`; others must agree with it.
 */
function storageOf(id: PickleValue, storages: Map<string, Storage>): Storage {
  const [tag, type, key, , length, viewOf] = Array.isArray(id) ? id : [];
  const dtype =
    isKind(type, 'global') && Object.hasOwn(STORAGES, type.name)
      ? STORAGES[type.name as keyof typeof STORAGES]
      : undefined;
  if (tag === 'storage' && isKind(type, 'class')) throw refusedName(type.name);
  if (
    tag !== 'storage' ||
    dtype === undefined ||
    typeof key !== 'string' ||
    typeof length !== 'number' ||
    !Number.isSafeInteger(length) ||
    length < 0 ||
    (viewOf ?? null) !== null
  ) {
    throw new Error('the pickle refers to something outside of it that is no storage of a known type.');
  }
  const known = storages.get(key);
  if (known === undefined) {
    const storage: Storage = { kind: 'storage', key, dtype, length };
    storages.set(key, storage);
    return storage;
  }
  if (known.dtype !== dtype || known.length !== length)
    throw new Error(`the storage "${key}" is described in two ways.`);
  return known;
}
