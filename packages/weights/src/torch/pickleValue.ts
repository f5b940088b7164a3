import type { StoredDType } from '../storedDType';

/** What the restricted pickle machine builds: plain data and nothing else. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleValue[]
  | PickleMap
  | PickleGlobal
  | PickleClass
  | PickleObject
  | Inert
  | Storage
  | StoredView;

/** A dict or OrderedDict; a Map, so that a key such as `__proto__` is only a key. */
export type PickleMap = Map<PickleValue, PickleValue>;

/** A name that the pickle mentions and this machine knows. */
export interface PickleGlobal {
  readonly kind: 'global';
  readonly name: GlobalName;
}

/** A name that it does not know. It may be mentioned, and be the class of an object; nothing is ever called by it. */
export interface PickleClass {
  readonly kind: 'class';
  readonly name: string;
}

/** An object of such a class: its attributes as data, whatever the class is. */
export interface PickleObject {
  readonly kind: 'object';
  /** Set once, by the pickle's BUILD: the dict itself and no copy, so that a pickle cannot multiply it. */
  attributes?: PickleMap;
}

/** Something that is held beside tensors and is neither of them nor plain: options, bytes, numbers and arrays of NumPy. */
export interface Inert {
  readonly kind: 'inert';
  /** A view of the pickle, where these are bytes of some length; of short ones and of all else nothing is kept. */
  readonly bytes?: Uint8Array;
  /** Of an array of NumPy, by the pickle's BUILD: version, shape, type, whether it is in Fortran's order, bytes. */
  state?: readonly PickleValue[];
}

/** A run of elements in the file, which tensors view; one object for each key. */
export interface Storage {
  readonly kind: 'storage';
  readonly key: string;
  readonly dtype: StoredDType;
  /** Elements. */
  readonly length: number;
}

/** A tensor before its data are read. Its elements are known to lie inside of its storage. */
export interface StoredView {
  readonly kind: 'tensor';
  readonly storage: Storage;
  /** Elements. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** Elements from one index to the next, for each axis. */
  readonly strides: readonly number[];
}

/** Types of storages, by the name of their class. */
export const STORAGES = {
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.DoubleStorage': 'F64',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
} as const satisfies Record<string, StoredDType>;

/**
 * All that a pickle may call beside them, in the sense of `applyGlobal`. `argparse.Namespace` is the options that the
 * official training code saves, and NumPy's scalars are there because its learning rates come out of NumPy schedules
 * (microsoft/unilm beit/utils.py, `save_model` and `cosine_scheduler`); NumPy's arrays and `getattr` are in the logs that
 * mmengine saves beside a state dict (logging/history_buffer.py); devices, sets and partial functions are attributes of
 * modules that were saved whole.
 */
const CALLABLES = [
  'collections.OrderedDict',
  'torch._utils._rebuild_tensor_v2',
  'torch._utils._rebuild_parameter',
  'argparse.Namespace',
  '_codecs.encode',
  'numpy.dtype',
  'numpy.core.multiarray.scalar',
  'numpy._core.multiarray.scalar',
  'numpy.core.multiarray._reconstruct',
  'numpy._core.multiarray._reconstruct',
  '__builtin__.getattr',
  'builtins.getattr',
  '__builtin__.set',
  'builtins.set',
  'functools.partial',
  'torch.device',
  'torch.Size',
] as const;

export type GlobalName = keyof typeof STORAGES | (typeof CALLABLES)[number];

const GLOBALS: ReadonlySet<string> = new Set([...Object.keys(STORAGES), ...CALLABLES]);

export const isGlobalName = (name: string): name is GlobalName => GLOBALS.has(name);

export const INERT: Inert = { kind: 'inert' };

export function isKind<K extends 'class' | 'global' | 'inert' | 'object' | 'storage' | 'tensor'>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleValue, { readonly kind: K }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}
