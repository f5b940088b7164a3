/** Pickles opcode by opcode, as bytes: `pickle(dict(['weight', tensor({ key: '0', length: 4, shape: [2, 2] })]))`. */
type Code = Uint8Array;

export const code = (...parts: (string | number | Uint8Array)[]): Code =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === 'number'
        ? Buffer.of(part)
        : typeof part === 'string'
          ? Buffer.from(part, 'latin1')
          : part,
    ),
  );

/** A whole pickle of protocol 2. */
export const pickle = (value: Code): Code => code(0x80, 2, value, '.');

export function text(value: string): Code {
  const utf8 = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(utf8.length);
  return code('X', length, utf8);
}

/** LONG1 of eight bytes. */
export function integer(value: number): Code {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return code(0x8a, 8, bytes);
}

export const tuple = (...items: Code[]): Code => code('(', ...items, 't');
export const list = (...items: Code[]): Code => code('](', ...items, 'e');
export const global = (module: string, name: string): Code => code('c', `${module}\n${name}\n`);
export const call = (callable: Code, ...args: Code[]): Code => code(callable, tuple(...args), 'R');

export const dict = (...items: [key: string, value: Code][]): Code =>
  code('}(', ...items.flatMap(([key, value]) => [text(key), value]), 'u');

export interface TensorCode {
  readonly key?: string;
  /** Length of the storage, elements. */
  readonly length?: number;
  readonly type?: string;
  readonly offset?: number;
  readonly shape?: readonly number[];
  readonly strides?: readonly number[];
}

export function storage({ key = '0', length = 4, type = 'FloatStorage' }: TensorCode = {}): Code {
  return code(tuple(text('storage'), global('torch', type), text(key), text('cpu'), integer(length)), 'Q');
}

/** Four floats, `[4]`, unless told. */
export function tensor(options: TensorCode = {}): Code {
  const { offset = 0, shape = [4] } = options;
  const strides =
    options.strides ?? shape.map((_, axis) => shape.slice(axis + 1).reduce((size, side) => size * side, 1));
  return call(
    global('torch._utils', '_rebuild_tensor_v2'),
    storage(options),
    integer(offset),
    tuple(...shape.map(integer)),
    tuple(...strides.map(integer)),
    code(0x89),
    call(global('collections', 'OrderedDict')),
  );
}

/** An object of a class with attributes. */
export const made = (module: string, name: string, attributes: Uint8Array) =>
  code(global(module, name), ')', 0x81, attributes, 'b');

const emptySet = call(global('__builtin__', 'set'), list());
const nothing = call(global('collections', 'OrderedDict'));

export interface ModuleCode {
  readonly parameters?: Uint8Array;
  readonly buffers?: Uint8Array;
  readonly modules?: Uint8Array;
  readonly unsaved?: Uint8Array;
}

/** A `torch.nn.Module`, of a class that nobody knows. */
export const moduleOf = ({ parameters, buffers, modules, unsaved }: ModuleCode) =>
  made(
    'anybody.model',
    'Model',
    dict(
      ['_parameters', parameters ?? nothing],
      ['_buffers', buffers ?? nothing],
      ['_non_persistent_buffers_set', unsaved ?? emptySet],
      ['_modules', modules ?? nothing],
    ),
  );
