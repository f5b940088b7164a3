import { at } from '../../../graph/lists';
import type { ProgramMemory } from '../../../types';
import type { HostArray } from '../../alignedArray';
import { bytesOf } from './bytes';
import { encodeCompileOptions, type XlaCompileOptions } from './compileOptions';
import { ifImplemented, type PjrtLibrary } from './library';
import { encodeNamedValues, type NamedValues } from './namedValues';
import { encodeProgram } from './program';
import { programMemory } from './programMemory';
import type { Pointer, StructValues } from './structs';

/** A device that this process can use. */
export interface Device {
  readonly id: number;
  /** As the plugin names it, such as `NVIDIA H200`. */
  readonly kind: string;
  readonly pointer: Pointer;
}

/** A tensor on a device. */
export type DeviceTensor = Pointer;

/** A program on the devices that it was compiled for. */
export interface Executable {
  readonly numOutputs: number;
  /**
   * Starts a run with tensors for each device, and waits until it has ended on all.
   *
   * @returns the outputs of each device, new tensors
   * @throws PjrtError when it fails; tensors that were donated are lost then
   */
  run(inputs: readonly (readonly DeviceTensor[])[]): Promise<DeviceTensor[][]>;
  memory(): ProgramMemory | undefined;
  /** To be loaded again by this plugin on such devices; `undefined` where it cannot be kept. */
  serialize(): Uint8Array | undefined;
  dispose(): void;
}

export interface Client {
  readonly library: PjrtLibrary;
  /** Such as `cpu`, `cuda`. */
  readonly platform: string;
  readonly platformVersion: string;
  readonly devices: readonly Device[];
  /** @param program MLIR of StableHLO, as text */
  compile(program: string, options: XlaCompileOptions): Promise<Executable>;
  /** @param serialized what `Executable.serialize` gave, with the options that it was compiled with inside */
  load(serialized: Uint8Array): Promise<Executable>;
  /** Copies numbers; when this returns, `data` may be written again. */
  toDevice(data: HostArray, dtype: string, shape: readonly number[], device: Device): DeviceTensor;
  /** Waits for a tensor and copies it. */
  toHost(buffer: DeviceTensor, into: HostArray): Promise<void>;
  free(buffer: DeviceTensor): void;
  /** What a device's allocator says, or `undefined` where it says nothing. */
  memoryOf(device: Device): StructValues<'Device_MemoryStats'> | undefined;
  /** Whether a program is being compiled or loaded. */
  isCompiling(): boolean;
  destroy(): void;
}

/** `PJRT_Buffer_Type` */
const BUFFER_TYPES: Readonly<Record<string, number>> = { bool: 1, int32: 4, float32: 11 };
/** `PJRT_HostBufferSemantics_kImmutableOnlyDuringCall` */
const ONLY_DURING_CALL = 0;

/** @throws PjrtError where there is no device, or an option is unknown */
export async function createClient(library: PjrtLibrary, options: NamedValues = {}): Promise<Client> {
  const { call, callAsync, pointersTo, bytesAt, textAt, part, ended } = library;
  const { client } = await callAsync('Client_Create', {
    createOptions: encodeNamedValues(library, options),
    numOptions: BigInt(Object.keys(options).length),
  });
  let compiling = 0;
  async function made(calling: Promise<{ readonly executable: Pointer }>): Promise<Pointer> {
    compiling += 1;
    try {
      return (await calling).executable;
    } finally {
      compiling -= 1;
    }
  }
  /** Memory that the plugin reads or writes after the call that it was given in. */
  const inUse = new Set<ArrayBufferView>();

  const named = ({ name, nameSize }: { readonly name: Pointer; readonly nameSize: bigint }) =>
    textAt(name, nameSize);
  const platform = named(call('Client_PlatformName', { client }));
  const platformVersion = named(call('Client_PlatformVersion', { client }));
  const devices = pointersAt(call('Client_AddressableDevices', { client })).map((pointer): Device => {
    const { description } = call('Device_GetDescription', { device: pointer });
    const { id } = call('DeviceDescription_Id', { description });
    return { pointer, id, kind: named(call('DeviceDescription_Kind', { description })) };
  });

  function pointersAt({ devices: list, numDevices }: StructValues<'Client_AddressableDevices'>): Pointer[] {
    return [...new BigUint64Array(bytesAt(list, 8n * numDevices).buffer)];
  }

  /** @param serialized what the program was read from, where it was: a plugin may read it in place as long as the program is there */
  function executable(loaded: Pointer, serialized?: Uint8Array): Executable {
    if (serialized) inUse.add(serialized);
    const own = call('LoadedExecutable_GetExecutable', { loaded }).executable;
    const numOutputs = Number(call('Executable_NumOutputs', { executable: own }).numOutputs);
    const options = part('ExecuteOptions', {});
    return {
      numOutputs,
      async run(inputs) {
        const outputLists = inputs.map(() => new BigUint64Array(numOutputs));
        const events = new BigUint64Array(inputs.length);
        await callAsync('LoadedExecutable_Execute', {
          executable: loaded,
          options,
          argumentLists: pointersTo(inputs.map((list) => BigUint64Array.from(list))),
          numDevices: BigInt(inputs.length),
          numArgs: BigInt(at(inputs, 0).length),
          outputLists: pointersTo(outputLists),
          deviceCompleteEvents: bytesOf(events),
        });
        const outputs = outputLists.map((list) => [...list]);
        const ends = await Promise.allSettled([...events].map(ended));
        const failure = ends.find((end) => end.status === 'rejected');
        if (failure) {
          for (const buffer of outputs.flat()) call('Buffer_Destroy', { buffer });
          throw failure.reason;
        }
        return outputs;
      },
      memory: () => programMemory(library, own, platform),
      serialize: () =>
        ifImplemented(() => {
          const {
            bytes,
            bytesSize,
            serialized: owner,
            deleter,
          } = call('Executable_Serialize', { executable: own });
          const copy = bytesAt(bytes, bytesSize);
          library.callAt(deleter, owner);
          return copy;
        }),
      dispose() {
        call('Executable_Destroy', { executable: own });
        call('LoadedExecutable_Destroy', { executable: loaded });
        if (serialized) inUse.delete(serialized);
      },
    };
  }

  return {
    library,
    platform,
    platformVersion,
    devices,
    async compile(program, options) {
      const encoded = encodeCompileOptions(options);
      const loaded = await made(
        callAsync('Client_Compile', {
          client,
          program: encodeProgram(library, program),
          compileOptions: encoded,
          compileOptionsSize: BigInt(encoded.length),
        }),
      );
      return executable(loaded);
    },
    async load(serialized) {
      const loaded = await made(
        callAsync('Executable_DeserializeAndLoad', {
          client,
          serialized,
          serializedSize: BigInt(serialized.length),
        }),
      );
      return executable(loaded, serialized);
    },
    toDevice(data, dtype, shape, device) {
      const type = BUFFER_TYPES[dtype];
      if (type === undefined) throw new Error(`XLA's programs have no tensor of dtype '${dtype}'.`);
      const dims = bytesOf(BigInt64Array.from(shape, BigInt));
      const { buffer, doneWithHostBuffer } = call('Client_BufferFromHostBuffer', {
        client,
        data: bytesOf(data),
        type,
        dims,
        numDims: BigInt(shape.length),
        hostBufferSemantics: ONLY_DURING_CALL,
        device: device.pointer,
      });
      if (doneWithHostBuffer !== 0n) call('Event_Destroy', { event: doneWithHostBuffer });
      return buffer;
    },
    async toHost(buffer, into) {
      inUse.add(into);
      try {
        const { event } = call('Buffer_ToHostBuffer', {
          buffer,
          destination: bytesOf(into),
          destinationSize: BigInt(into.byteLength),
        });
        await ended(event);
      } finally {
        inUse.delete(into);
      }
    },
    free: (buffer) => void call('Buffer_Destroy', { buffer }),
    memoryOf: (device) => ifImplemented(() => call('Device_MemoryStats', { device: device.pointer })),
    isCompiling: () => compiling > 0,
    destroy: () => void call('Client_Destroy', { client }),
  };
}
