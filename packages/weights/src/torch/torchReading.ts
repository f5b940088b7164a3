import { type NamedTensors, sizeOf } from '@beit/tensors';
import type { JsonObject } from '../checkpoint/readJson';
import { convertStored } from '../convertStored';
import { setUnique } from '../names/setUnique';
import { STORED_DTYPES } from '../storedDType';
import { refusedName } from './globalOf';
import { extentOf, hostTensorOfView, isContiguous } from './hostTensorOfView';
import { isLegacyTorch, legacyContents } from './legacyContents';
import { isModule, moduleStateDict } from './moduleStateDict';
import { isKind, type PickleValue, type Storage, type StoredView } from './pickleValue';
import { plainData } from './plainData';
import type { ByteRange, Reading } from './reading';
import { isZip, zipContents } from './zipContents';

export interface TorchOptions {
  /** Under which key of the file the state dict is, `'model_ema'` for instance. Default: see `TorchCheckpoint.key`. */
  readonly key?: string;
  /** Only tensors whose name passes are read. Default: all. */
  readonly select?: (name: string) => boolean;
}

export interface TorchCheckpoint {
  /** By their names in the file; the record has no prototype. */
  readonly tensors: NamedTensors;
  /**
   * Where the state dict was: the first that there is of `model` and `module` (the order of the official
   * run_class_finetuning.py), `state_dict`, `model_ema`; left out if the file is a state dict itself, or a module that
   * was saved whole.
   */
  readonly key?: string;
  /** What the file says of itself at `meta`, as mmsegmentation and its kin do: the plain data of it. */
  readonly meta?: JsonObject;
  /** What else the file or its state dict has and is not kept: `optimizer`, `args`, `epoch`. */
  readonly dropped: readonly string[];
}

/** Bytes that tell the kind of a file. */
export const SIGNATURE_BYTES = 16;

const KEYS = ['model', 'module', 'state_dict', 'model_ema'];

/**
 * Copies of tensors that do not lie contiguously may take this many times the file's size, together. It lets every
 * transposed weight through, and no tensor that is one element, expanded to fill the memory.
 */
const MAX_COPIED_FILES = 4;

/** Reads a file of `torch.save` of `size` bytes. */
export function* torchReading(
  size: number,
  { key, select = () => true }: TorchOptions = {},
): Reading<TorchCheckpoint> {
  const signature = yield { begin: 0, end: Math.min(size, SIGNATURE_BYTES) };
  const contents = isZip(signature)
    ? yield* zipContents(size)
    : isLegacyTorch(signature)
      ? yield* legacyContents(size)
      : undefined;
  if (contents === undefined) throw new Error('not a file of torch.save.');
  const found = findStateDict(contents.value, key);
  const views: [string, StoredView][] = [];
  const dropped = [...found.dropped];
  for (const [name, value] of found.stateDict) {
    if (typeof name !== 'string')
      throw new Error(`the state dict has ${typeof name} keys; expected names of tensors.`);
    if (!isKind(value, 'tensor')) dropped.push(name);
    else if (select(name)) views.push([name, value]);
  }
  if (views.length === 0 && !found.stateDict.size) throw new Error('the state dict is empty.');
  assertCopies(views, size);
  const tensors = yield* readViews(views, contents.storages);
  const meta = contents.value instanceof Map ? contents.value.get('meta') : undefined;
  return {
    tensors,
    dropped,
    ...(found.key === undefined ? {} : { key: found.key }),
    ...(meta instanceof Map ? { meta: plainData(meta) } : {}),
  };
}

type StateDict = ReadonlyMap<PickleValue, PickleValue>;

function findStateDict(
  value: PickleValue,
  wanted: string | undefined,
): { stateDict: StateDict; key?: string; dropped: string[] } {
  if (isKind(value, 'class')) throw refusedName(value.name);
  if (isModule(value) && wanted === undefined) return { stateDict: moduleStateDict(value), dropped: [] };
  if (!(value instanceof Map)) {
    throw new Error(
      `it holds ${isKind(value, 'tensor') ? 'a single tensor' : isModule(value) ? 'a module' : 'no dict'}; expected a state dict, or a dict that has one${wanted === undefined ? '' : ` at "${wanted}"`}.`,
    );
  }
  const keys = [...value.keys()].filter((name): name is string => typeof name === 'string');
  const key = wanted ?? KEYS.find((name) => value.get(name) instanceof Map || isModule(value.get(name)));
  if (key === undefined) {
    if (![...value.values()].some((item) => isKind(item, 'tensor'))) {
      throw new Error(
        `it has no state dict: none of ${KEYS.join(', ')} and no tensors, but ${quoted(keys)}. Say which with the option key.`,
      );
    }
    return { stateDict: value, dropped: [] };
  }
  const at = value.get(key);
  const stateDict = isModule(at) ? moduleStateDict(at) : at;
  if (!(stateDict instanceof Map)) throw new Error(`it has no state dict "${key}", but ${quoted(keys)}.`);
  return { stateDict, key, dropped: keys.filter((name) => name !== key) };
}

const quoted = (names: readonly string[]) =>
  `${names
    .slice(0, 10)
    .map((name) => JSON.stringify(name.slice(0, 100)))
    .join(', ')}${names.length > 10 ? ' ...' : ''}` || 'nothing';

function assertCopies(views: readonly [string, StoredView][], fileBytes: number): void {
  let bytes = 0;
  for (const [name, view] of views) {
    if (isContiguous(view)) continue;
    bytes += sizeOf(view.shape) * STORED_DTYPES[view.storage.dtype].bytes;
    if (bytes > MAX_COPIED_FILES * fileBytes) {
      throw new Error(
        `"${name}" of shape [${view.shape}] and strides [${view.strides}] shows its elements many times: contiguous, the tensors would take more than ${MAX_COPIED_FILES} times the file's ${fileBytes} bytes. Save it again after .clone().`,
      );
    }
  }
}

function* readViews(
  views: readonly [string, StoredView][],
  storages: ReadonlyMap<Storage, ByteRange>,
): Reading<NamedTensors> {
  const groups = new Map<Storage, [string, StoredView][]>();
  for (const named of views) {
    const group = groups.get(named[1].storage);
    if (group) group.push(named);
    else groups.set(named[1].storage, [named]);
  }
  const read = new Map<string, NamedTensors[string]>();
  for (const [storage, group] of groups) {
    const place = storages.get(storage);
    if (place === undefined) throw new Error(`the data of storage "${storage.key}" are missing.`);
    // Once for all tensors of the storage, and only the part that they use.
    const extents = group.map(([, view]) => extentOf(view)).filter(([begin, end]) => end > begin);
    const begin = extents.reduce((least, [first]) => Math.min(least, first), storage.length);
    const end = extents.reduce((most, [, last]) => Math.max(most, last), begin);
    const width = STORED_DTYPES[storage.dtype].bytes;
    const bytes = yield { begin: place.begin + begin * width, end: place.begin + end * width };
    const elements = convertStored(group[0]![0], storage.dtype, [end - begin], bytes);
    for (const [name, view] of group) read.set(name, hostTensorOfView(view, elements, begin));
  }
  const tensors: NamedTensors = Object.create(null);
  for (const [name] of views) setUnique(tensors, name, read.get(name)!);
  return tensors;
}
