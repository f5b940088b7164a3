import { sizeOf, type TensorSpec } from '@beit/tensors';
import { get } from '../../graph/lists';
import { encodeOnnx } from '../../onnx/proto';
import { copyNumbers, type HostArray } from '../alignedArray';
import type { Handle, OnnxruntimeLibrary, SessionOptions, Tensor } from './library';

/** A tensor of the state, as the library has it. */
export interface StateTensor {
  readonly path: string;
  readonly spec: TensorSpec;
  readonly tensor: Tensor;
}

/** Where the state of programs is between their steps. */
export interface StateMemory {
  allocate(spec: TensorSpec): Tensor;
  /** Copies from the host. */
  write(tensors: readonly StateTensor[], numbers: ReadonlyMap<string, HostArray>): Promise<void>;
  /** The numbers on the host by path; in host memory they are not copied. */
  read(tensors: readonly StateTensor[]): Promise<ReadonlyMap<string, HostArray>>;
  /** To be called when its tensors have been released, and before the session is. */
  dispose(): void;
}

/** @param allocate gives the arrays that the tensors lie over */
export function hostMemory(ort: OnnxruntimeLibrary, allocate: (spec: TensorSpec) => HostArray): StateMemory {
  const array = ({ tensor }: StateTensor) => tensor.data as HostArray;
  return {
    allocate: (spec) => ort.tensor(spec.dtype, spec.shape, allocate(spec)),
    async write(tensors, numbers) {
      for (const held of tensors) copyNumbers(get(numbers, held.path), array(held));
    },
    read: async (tensors) => new Map(tensors.map((held) => [held.path, array(held)])),
    dispose() {},
  };
}

/**
 * Memory of a GPU. Copies are made by programs of `Identity` alone: the library moves what they take and give between
 * the host and the device.
 *
 * @param session a session on the device
 * @param memory the library's name for the device's memory
 */
export function deviceMemory(
  ort: OnnxruntimeLibrary,
  session: Handle,
  memory: string,
  options: Pick<SessionOptions, 'provider'>,
): StateMemory {
  const allocator = ort.createAllocator(session, memory);
  /** One for every part of the state that was copied, by the names of its tensors. */
  const copiers = new Map<string, Handle>();
  async function copierOf(tensors: readonly StateTensor[]): Promise<Handle> {
    const key = JSON.stringify(tensors.map(({ path }) => path));
    const known = copiers.get(key);
    if (known !== undefined) return known;
    const named = (prefix: string) => tensors.map(({ path, spec }) => ({ name: prefix + path, ...spec }));
    const copier = await ort.createSession(
      encodeOnnx({
        nodes: tensors.map(({ path }) => ({
          op: 'Identity',
          inputs: [`from/${path}`],
          outputs: [`to/${path}`],
        })),
        initializers: [],
        inputs: named('from/'),
        outputs: named('to/'),
      }),
      options,
    );
    copiers.set(key, copier);
    return copier;
  }
  /** Copies between the tensors of the state and those over arrays of the host. */
  async function copy(
    tensors: readonly StateTensor[],
    arrays: ReadonlyMap<string, HostArray>,
    direction: 'toDevice' | 'toHost',
  ) {
    if (tensors.length === 0) return;
    const copier = await copierOf(tensors);
    const binding = ort.createBinding(copier);
    const onHost: Tensor[] = [];
    try {
      for (const { path, spec, tensor } of tensors) {
        const host = ort.tensor(spec.dtype, spec.shape, get(arrays, path));
        onHost.push(host);
        const [from, to] = direction === 'toDevice' ? [host, tensor] : [tensor, host];
        ort.bindInput(binding, `from/${path}`, from);
        ort.bindOutput(binding, `to/${path}`, to);
      }
      await ort.run(copier, binding);
    } finally {
      ort.releaseBinding(binding);
      for (const tensor of onHost) ort.releaseTensor(tensor);
    }
  }
  return {
    allocate: ({ dtype, shape }) => ort.allocatedTensor(allocator, dtype, shape),
    write: (tensors, numbers) => copy(tensors, numbers, 'toDevice'),
    async read(tensors) {
      const arrays = new Map<string, HostArray>();
      for (const { path, spec } of tensors) {
        const length = sizeOf(spec.shape);
        arrays.set(path, spec.dtype === 'float32' ? new Float32Array(length) : new Int32Array(length));
      }
      await copy(tensors, arrays, 'toHost');
      return arrays;
    },
    dispose() {
      ort.releaseAllocator(allocator);
      for (const copier of copiers.values()) ort.releaseSession(copier);
    },
  };
}
