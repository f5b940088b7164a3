/**
 * A PJRT plugin: the library through which XLA is used on one kind of device, called directly.
 * Reference: xla/pjrt/c/pjrt_c_api.h, https://openxla.org/xla/pjrt
 */
import { type Koffi, loadForGood } from '../../koffi';
import { bytesOf, pointing } from './bytes';
import { FUNCTIONS, type FunctionName } from './functions';
import {
  decodeStruct,
  encodeStruct,
  type GivenValues,
  type PARTS,
  type Pointer,
  type STRUCTS,
  type StructValues,
  structSize,
} from './structs';

type CallName = keyof typeof STRUCTS & FunctionName;

/** What a plugin says of itself. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** The functions of a plugin, each throwing the plugin's own message when it fails. */
export interface PjrtLibrary {
  readonly path: string;
  /** Of the interface, such as `0.115`. */
  readonly apiVersion: string;
  /** Such as `stablehlo_current_version`. */
  readonly attributes: Attributes;
  /** The structure as it is after the call. */
  call<K extends CallName>(name: K, values: GivenValues<K>): StructValues<K>;
  /** The same on a thread of its own. */
  callAsync<K extends CallName>(name: K, values: GivenValues<K>): Promise<StructValues<K>>;
  /** Waits for an event, and frees it. */
  ended(event: Pointer): Promise<void>;
  /** A structure that others point to. */
  part<K extends keyof typeof PARTS>(
    name: K,
    values: GivenValues<K>,
    options?: { readonly exact?: boolean },
  ): Uint8Array;
  /** A list of pointers to memory of ours. */
  pointersTo(memory: readonly ArrayBufferView[]): Uint8Array;
  /** Calls a function of the plugin's that takes one pointer and gives nothing. */
  callAt(pointer: Pointer, argument: Pointer): void;
  /** A copy of memory of the plugin's. */
  bytesAt(pointer: Pointer, size: bigint): Uint8Array;
  textAt(pointer: Pointer, size: bigint): string;
}

/** Codes of errors: https://abseil.io/docs/cpp/guides/status-codes */
export const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;

export class PjrtError extends Error {
  constructor(
    message: string,
    /** An absl status code. */
    readonly code: number,
  ) {
    super(message);
    this.name = 'PjrtError';
  }
}

/** Not every plugin tells everything. */
export function ifImplemented<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof PjrtError) return undefined;
    throw error;
  }
}

/** The oldest interface with all functions that are called here. */
const OLDEST_MINOR = 54;
const KNOWN_MAJOR = 0;

/** Bytes before the functions in `struct PJRT_Api`: its size, extensions, and the version, itself a structure. */
const API_HEAD = 40;
const [MAJOR_AT, MINOR_AT] = [32, 36];

/** @throws when the library can't be loaded, is no plugin, or speaks another version of the interface */
export function loadPjrt(koffi: Koffi, path: string): PjrtLibrary {
  // The plugin would else write every program that it compiles into the terminal.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  const api = apiOf(koffi, path);
  const bytesAt = (pointer: Pointer, size: bigint | number) =>
    new Uint8Array(koffi.view(pointer, Number(size))).slice();
  const textAt = (pointer: Pointer, size: bigint | number) =>
    new TextDecoder().decode(bytesAt(pointer, size));
  // Asked for its buffer, a small array has memory that no longer moves.
  const addressOf = ({ buffer, byteOffset }: ArrayBufferView): Pointer =>
    BigInt(koffi.address(buffer)) + BigInt(byteOffset);

  const head = bytesAt(api, API_HEAD);
  const headView = new DataView(head.buffer);
  const size = Number(headView.getBigUint64(0, true));
  const [major, minor] = [headView.getInt32(MAJOR_AT, true), headView.getInt32(MINOR_AT, true)];
  const apiVersion = `${major}.${minor}`;
  if (major !== KNOWN_MAJOR || minor < OLDEST_MINOR) {
    throw new Error(
      `The plugin ${path} speaks PJRT ${apiVersion}; expected ${KNOWN_MAJOR}.${OLDEST_MINOR} or a later ` +
        `${KNOWN_MAJOR}.x. 'npx @beit/engines install xla' brings one.`,
    );
  }
  const prototype = koffi.proto('void* (void* args)');
  const freeing = koffi.proto('void (void* object)');
  const table = new DataView(bytesAt(api, size).buffer);
  const functions = new Map<string, ReturnType<Koffi['decode']>>();
  FUNCTIONS.forEach((name, i) => {
    const offset = API_HEAD + 8 * i;
    const pointer = offset + 8 <= size ? table.getBigUint64(offset, true) : 0n;
    if (pointer !== 0n) functions.set(name, koffi.decode(pointer, prototype));
  });
  const functionOf = (name: CallName) => {
    const found = functions.get(name);
    if (found) return found;
    throw new PjrtError(`The plugin ${path} (PJRT ${apiVersion}) has no PJRT_${name}.`, UNIMPLEMENTED);
  };

  /** The call of a function that can't fail. */
  function told<K extends CallName>(name: K, values: GivenValues<K>): StructValues<K> {
    const bytes = encodeStruct(name, values, addressOf);
    functionOf(name)(bytes);
    return decodeStruct(name, bytes);
  }
  function assertNone(error: Pointer | null): void {
    if (!error) return;
    const { message, messageSize } = told('Error_Message', { error });
    const { code } = told('Error_GetCode', { error });
    const text = textAt(message, messageSize);
    told('Error_Destroy', { error });
    throw new PjrtError(text, code);
  }
  function call<K extends CallName>(name: K, values: GivenValues<K>): StructValues<K> {
    const bytes = encodeStruct(name, values, addressOf);
    assertNone(functionOf(name)(bytes));
    return decodeStruct(name, bytes);
  }
  const callAsync = <K extends CallName>(name: K, values: GivenValues<K>) =>
    new Promise<StructValues<K>>((resolve, reject) => {
      const bytes = encodeStruct(name, values, addressOf);
      functionOf(name).async(bytes, (failure: Error | null, error: Pointer | null) => {
        try {
          if (failure) throw failure;
          assertNone(error);
          // Until now, the structure keeps what it points to.
          resolve(decodeStruct(name, bytes));
        } catch (reason) {
          reject(reason);
        }
      });
    });

  call('Plugin_Initialize', {});
  return {
    path,
    apiVersion,
    attributes: attributesOf(call('Plugin_Attributes', {})),
    call,
    callAsync,
    async ended(event) {
      if (event === 0n) return;
      try {
        await callAsync('Event_Await', { event });
      } finally {
        call('Event_Destroy', { event });
      }
    },
    part: (name, values, options) => encodeStruct(name, values, addressOf, options),
    pointersTo: (memory) => pointing(bytesOf(BigUint64Array.from(memory, addressOf)), memory),
    callAt: (pointer, argument) => void koffi.call(pointer, freeing, argument),
    bytesAt,
    textAt,
  };

  function attributesOf({ attributes, numAttributes }: StructValues<'Plugin_Attributes'>): Attributes {
    const stride = structSize('NamedValue');
    const entries = Array.from({ length: Number(numAttributes) }, (_, i) => {
      const bytes = bytesAt(attributes + BigInt(i * stride), stride);
      const { name, nameSize, type, value, valueSize } = decodeStruct('NamedValue', bytes);
      return [textAt(name, nameSize), named(type, value, valueSize)] as const;
    });
    return Object.fromEntries(entries);
  }
  function named(type: number, value: bigint, size: bigint): string | number | boolean {
    if (type === NAMED_TYPES.string) return textAt(value, size);
    if (type === NAMED_TYPES.integers) {
      return [...new BigInt64Array(bytesAt(value, 8n * size).buffer)].join('.');
    }
    if (type === NAMED_TYPES.float) return new Float32Array(BigUint64Array.of(value).buffer)[0] ?? Number.NaN;
    return type === NAMED_TYPES.boolean ? (value & 1n) === 1n : Number(value);
  }
}

/** `PJRT_NamedValue_Type` */
export const NAMED_TYPES = { string: 0, integer: 1, integers: 2, float: 3, boolean: 4 } as const;

function apiOf(koffi: Koffi, path: string): Pointer {
  try {
    const library = loadForGood(koffi, path);
    return BigInt(library.func('void* GetPjrtApi()')());
  } catch (cause) {
    throw new Error(`${path} is no PJRT plugin that can be loaded here: ${(cause as Error).message}`, {
      cause,
    });
  }
}
