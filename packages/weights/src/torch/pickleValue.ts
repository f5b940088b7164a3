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

/** Something that checkpoints hold beside tensors and whose content is not kept: options, bytes, numbers of NumPy. */
export interface Inert {
  readonly kind: 'inert';
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
 * All that a pickle may name beside them. `argparse.Namespace` is the options that the official training code saves, and
 * NumPy's scalars are there because its learning rates come out of NumPy schedules (microsoft/unilm beit/utils.py,
 * `save_model` and `cosine_scheduler`).
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
] as const;

export type GlobalName = keyof typeof STORAGES | (typeof CALLABLES)[number];

const GLOBALS: ReadonlySet<string> = new Set([...Object.keys(STORAGES), ...CALLABLES]);

export const isGlobalName = (name: string): name is GlobalName => GLOBALS.has(name);

export const INERT: Inert = { kind: 'inert' };

export function isKind<K extends 'global' | 'inert' | 'storage' | 'tensor'>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleValue, { readonly kind: K }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}
