/**
 * The structures that PJRT's functions take, by the names of xla/pjrt/c/pjrt_c_api.h (API 0.114). Every one begins with
 * its size and a pointer to extensions; fields are only ever added at the end.
 */
import { get } from '../../../graph/lists';
import { pointing } from './bytes';

type FieldType = 'pointer' | 'size' | 'int64' | 'int32' | 'bool';
/** Field by field, in their order. */
type Layout = Readonly<Record<string, FieldType>>;

const EXECUTABLE = { executable: 'pointer' } as const;
const NAME = { name: 'pointer', nameSize: 'size' } as const;

export const STRUCTS = {
  Error_Destroy: { error: 'pointer' },
  Error_Message: { error: 'pointer', message: 'pointer', messageSize: 'size' },
  Error_GetCode: { error: 'pointer', code: 'int32' },
  Plugin_Initialize: {},
  Plugin_Attributes: { attributes: 'pointer', numAttributes: 'size' },
  Event_Destroy: { event: 'pointer' },
  Event_Await: { event: 'pointer' },
  Client_Create: {
    createOptions: 'pointer',
    numOptions: 'size',
    kvGetCallback: 'pointer',
    kvGetUserArg: 'pointer',
    kvPutCallback: 'pointer',
    kvPutUserArg: 'pointer',
    client: 'pointer',
    kvTryGetCallback: 'pointer',
    kvTryGetUserArg: 'pointer',
  },
  Client_Destroy: { client: 'pointer' },
  Client_PlatformName: { client: 'pointer', ...NAME },
  Client_PlatformVersion: { client: 'pointer', ...NAME },
  Client_AddressableDevices: { client: 'pointer', devices: 'pointer', numDevices: 'size' },
  Client_Compile: {
    client: 'pointer',
    program: 'pointer',
    compileOptions: 'pointer',
    compileOptionsSize: 'size',
    executable: 'pointer',
  },
  Client_BufferFromHostBuffer: {
    client: 'pointer',
    data: 'pointer',
    type: 'int32',
    dims: 'pointer',
    numDims: 'size',
    byteStrides: 'pointer',
    numByteStrides: 'size',
    hostBufferSemantics: 'int32',
    device: 'pointer',
    memory: 'pointer',
    deviceLayout: 'pointer',
    doneWithHostBuffer: 'pointer',
    buffer: 'pointer',
  },
  TopologyDescription_Create: {
    ...NAME,
    createOptions: 'pointer',
    numOptions: 'size',
    topology: 'pointer',
  },
  TopologyDescription_Destroy: { topology: 'pointer' },
  Compile: {
    topology: 'pointer',
    program: 'pointer',
    compileOptions: 'pointer',
    compileOptionsSize: 'size',
    client: 'pointer',
    executable: 'pointer',
  },
  Device_GetDescription: { device: 'pointer', description: 'pointer' },
  Device_MemoryStats: {
    device: 'pointer',
    bytesInUse: 'int64',
    peakBytesInUse: 'int64',
    peakBytesInUseIsSet: 'bool',
    numAllocs: 'int64',
    numAllocsIsSet: 'bool',
    largestAllocSize: 'int64',
    largestAllocSizeIsSet: 'bool',
    bytesLimit: 'int64',
    bytesLimitIsSet: 'bool',
    bytesReserved: 'int64',
    bytesReservedIsSet: 'bool',
    peakBytesReserved: 'int64',
    peakBytesReservedIsSet: 'bool',
    bytesReservableLimit: 'int64',
    bytesReservableLimitIsSet: 'bool',
    largestFreeBlockBytes: 'int64',
    largestFreeBlockBytesIsSet: 'bool',
    poolBytes: 'int64',
    poolBytesIsSet: 'bool',
    peakPoolBytes: 'int64',
    peakPoolBytesIsSet: 'bool',
  },
  DeviceDescription_Id: { description: 'pointer', id: 'int32' },
  DeviceDescription_Kind: { description: 'pointer', ...NAME },
  Executable_Destroy: EXECUTABLE,
  Executable_NumOutputs: { ...EXECUTABLE, numOutputs: 'size' },
  Executable_GetCompiledMemoryStats: {
    ...EXECUTABLE,
    generatedCodeSize: 'int64',
    argumentSize: 'int64',
    outputSize: 'int64',
    aliasSize: 'int64',
    tempSize: 'int64',
    hostGeneratedCodeSize: 'int64',
    hostArgumentSize: 'int64',
    hostOutputSize: 'int64',
    hostAliasSize: 'int64',
    hostTempSize: 'int64',
    peakMemory: 'int64',
    totalSize: 'int64',
    totalAllocation: 'int64',
    indefiniteAllocations: 'int64',
    peakUnpaddedHeap: 'int64',
  },
  Executable_Serialize: {
    ...EXECUTABLE,
    bytes: 'pointer',
    bytesSize: 'size',
    serialized: 'pointer',
    deleter: 'pointer',
  },
  Executable_DeserializeAndLoad: {
    client: 'pointer',
    serialized: 'pointer',
    serializedSize: 'size',
    executable: 'pointer',
    compileOptions: 'pointer',
    compileOptionsSize: 'size',
    loadOptions: 'pointer',
  },
  LoadedExecutable_Destroy: EXECUTABLE,
  LoadedExecutable_GetExecutable: { loaded: 'pointer', executable: 'pointer' },
  LoadedExecutable_Execute: {
    ...EXECUTABLE,
    options: 'pointer',
    argumentLists: 'pointer',
    numDevices: 'size',
    numArgs: 'size',
    outputLists: 'pointer',
    deviceCompleteEvents: 'pointer',
    executeDevice: 'pointer',
  },
  Buffer_Destroy: { buffer: 'pointer' },
  Buffer_ToHostBuffer: {
    buffer: 'pointer',
    hostLayout: 'pointer',
    destination: 'pointer',
    destinationSize: 'size',
    event: 'pointer',
  },
} as const satisfies Readonly<Record<string, Layout>>;

/** What functions take besides, and lists are made of. */
export const PARTS = {
  Program: { code: 'pointer', codeSize: 'size', format: 'pointer', formatSize: 'size' },
  /** `value` is a pointer, or the value itself. */
  NamedValue: { name: 'pointer', nameSize: 'size', type: 'int32', value: 'pointer', valueSize: 'size' },
  ExecuteOptions: {
    sendCallbacks: 'pointer',
    recvCallbacks: 'pointer',
    numSendOps: 'size',
    numRecvOps: 'size',
    launchId: 'int32',
    nonDonatableInputIndices: 'pointer',
    numNonDonatableInputIndices: 'size',
    context: 'pointer',
    callLocation: 'pointer',
    numTasks: 'size',
    taskIds: 'pointer',
    incarnationIds: 'pointer',
  },
} as const satisfies Readonly<Record<string, Layout>>;

const LAYOUTS = { ...STRUCTS, ...PARTS };
export type StructName = keyof typeof LAYOUTS;
type Fields<K extends StructName> = (typeof LAYOUTS)[K];
/** The address of memory; 0n is that of none. */
export type Pointer = bigint;
type FieldValue<T> = T extends 'pointer' | 'size' ? bigint : T extends 'bool' ? boolean : number;
export type StructValues<K extends StructName> = {
  readonly [F in keyof Fields<K>]: FieldValue<Fields<K>[F]>;
};
/** Memory of ours is given as what it is. */
export type GivenValues<K extends StructName> = {
  readonly [F in keyof Fields<K>]?:
    | FieldValue<Fields<K>[F]>
    | (Fields<K>[F] extends 'pointer' ? Uint8Array : never);
};

const SIZES: Readonly<Record<FieldType, number>> = { pointer: 8, size: 8, int64: 8, int32: 4, bool: 1 };
/** Its own size, and the pointer to extensions. */
const HEAD = 16;

/** Where the fields of a structure are, and its bytes. */
function arranged(layout: Layout) {
  let end = HEAD;
  const places = Object.entries(layout).map(([name, type]) => {
    const size = SIZES[type];
    const offset = Math.ceil(end / size) * size;
    end = offset + size;
    return { name, type, offset };
  });
  return { places, size: Math.ceil(end / 8) * 8 };
}

const ARRANGED = new Map(Object.entries(LAYOUTS).map(([name, layout]) => [name, arranged(layout)]));

/** Bytes of a structure. */
export const structSize = (name: StructName): number => get(ARRANGED, name).size;

/** A plugin of a later API may have added fields at the end: it finds them zero. It takes no structure that is smaller than its own. */
const ADDED = 128;

/**
 * The bytes of a structure; fields that are not given are zero.
 *
 * @param addressOf memory of ours, which stays as long as the structure
 * @param exact without room for fields of later APIs, as an item of a list
 */
export function encodeStruct<K extends StructName>(
  name: K,
  values: GivenValues<K>,
  addressOf: (memory: Uint8Array) => Pointer,
  { exact = false }: { readonly exact?: boolean } = {},
): Uint8Array {
  const { places, size } = get(ARRANGED, name);
  const whole = exact ? size : size + ADDED;
  const bytes = new Uint8Array(whole);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(whole), true);
  const given = values as Readonly<Record<string, bigint | number | boolean | Uint8Array | undefined>>;
  for (const { name: field, type, offset } of places) {
    const value = given[field];
    if (value === undefined) continue;
    if (typeof value === 'boolean') view.setUint8(offset, value ? 1 : 0);
    else if (type === 'int32') view.setInt32(offset, Number(value), true);
    else view.setBigInt64(offset, value instanceof Uint8Array ? addressOf(value) : BigInt(value), true);
  }
  return pointing(
    bytes,
    Object.values(given).filter((value) => value instanceof Uint8Array),
  );
}

/** The fields of a structure as they are now. */
export function decodeStruct<K extends StructName>(name: K, bytes: Uint8Array): StructValues<K> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (type: FieldType, offset: number) => {
    if (type === 'bool') return view.getUint8(offset) !== 0;
    if (type === 'int32') return view.getInt32(offset, true);
    return type === 'int64' ? Number(view.getBigInt64(offset, true)) : view.getBigUint64(offset, true);
  };
  const values = get(ARRANGED, name).places.map((field) => [field.name, read(field.type, field.offset)]);
  // Each field has been read as its type says.
  return Object.fromEntries(values) as StructValues<K>;
}
