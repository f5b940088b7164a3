import type { TensorSpec } from '@beit/tensors';
import { copyNumbers, type HostArray } from '../engines/alignedArray';
import { encodeOnnx } from '../onnx/proto';
import type { Handle, OnnxruntimeLibrary, SessionOptions, Tensor } from './library';

/** Where the state of a program is between its steps. */
export interface StateMemory {
  allocate(spec: TensorSpec): Tensor;
  /** Copies from the host. */
  write(tensors: ReadonlyMap<string, Tensor>, numbers: ReadonlyMap<string, HostArray>): Promise<void>;
  /** The numbers on the host; in host memory they are not copied. */
  read(tensors: ReadonlyMap<string, Tensor>): Promise<ReadonlyMap<string, HostArray>>;
  /** To be called when its tensors have been released. */
  dispose(): void;
}

/** @param allocate gives the arrays that the tensors lie over */
export function hostMemory(ort: OnnxruntimeLibrary, allocate: (spec: TensorSpec) => HostArray): StateMemory {
  const array = (tensor: Tensor) => tensor.data as HostArray;
  return {
    allocate: (spec) => ort.tensor(spec.dtype, spec.shape, allocate(spec)),
    async write(tensors, numbers) {
      for (const [path, tensor] of tensors) copyNumbers(numbers.get(path)!, array(tensor));
    },
    read: async (tensors) => new Map([...tensors].map(([path, tensor]) => [path, array(tensor)])),
    dispose() {},
  };
}

/**
 * Memory of a GPU. Copies are made by a program of `Identity` alone: the library moves what it takes and gives between
 * the host and the device.
 *
 * @param session a session on the device
 * @param memory the library's name for the device's memory
 * @param specs of all of the state, by path
 */
export async function deviceMemory(
  ort: OnnxruntimeLibrary,
  session: Handle,
  memory: string,
  specs: ReadonlyMap<string, TensorSpec>,
  options: Pick<SessionOptions, 'provider'>,
): Promise<StateMemory> {
  const allocator = ort.createAllocator(session, memory);
  const named = (prefix: string) => [...specs].map(([path, spec]) => ({ name: prefix + path, ...spec }));
  const copies = await ort.createSession(
    encodeOnnx({
      nodes: [...specs.keys()].map((path) => ({
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
  async function copy(from: ReadonlyMap<string, Tensor>, to: ReadonlyMap<string, Tensor>) {
    const binding = ort.createBinding(copies);
    try {
      for (const [path, tensor] of from) ort.bindInput(binding, `from/${path}`, tensor);
      for (const [path, tensor] of to) ort.bindOutput(binding, `to/${path}`, tensor);
      await ort.run(copies, binding);
    } finally {
      ort.releaseBinding(binding);
    }
  }
  async function withHostTensors(
    arrays: ReadonlyMap<string, HostArray>,
    use: (tensors: ReadonlyMap<string, Tensor>) => Promise<void>,
  ) {
    const tensors = new Map<string, Tensor>();
    try {
      for (const [path, { dtype, shape }] of specs) {
        tensors.set(path, ort.tensor(dtype, shape, arrays.get(path)!));
      }
      await use(tensors);
    } finally {
      for (const tensor of tensors.values()) ort.releaseTensor(tensor);
    }
  }
  return {
    allocate: ({ dtype, shape }) => ort.allocatedTensor(allocator, dtype, shape),
    write: (tensors, numbers) => withHostTensors(numbers, (host) => copy(host, tensors)),
    async read(tensors) {
      const arrays = new Map<string, HostArray>();
      for (const [path, { dtype, shape }] of specs) {
        const length = shape.reduce((size, dim) => size * dim, 1);
        arrays.set(path, dtype === 'float32' ? new Float32Array(length) : new Int32Array(length));
      }
      await withHostTensors(arrays, (host) => copy(tensors, host));
      return arrays;
    },
    dispose() {
      ort.releaseAllocator(allocator);
      ort.releaseSession(copies);
    },
  };
}
