import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { HostTensor, Tree } from '@beit/tensors';
import { encodeOnnx } from '../onnx/proto';
import { toOnnx } from '../onnx/toOnnx';
import { cpuRules } from '../onnxruntime/cpuRules';
import { type Binding, loadOnnxruntime, type OnnxruntimeLibrary, type Tensor } from '../onnxruntime/library';
import { deviceMemory, hostMemory } from '../onnxruntime/stateMemory';
import { withElements } from '../passes/emptyTensors';
import { inPlaceState } from '../passes/inPlaceState';
import { rewrite } from '../passes/optimize';
import type { Trace } from '../record/trace';
import type { GivenTensor } from '../types';
import { alignedArray, type HostArray } from './alignedArray';
import { callQueue } from './callQueue';
import { stateNumbers } from './checkedLeaves';
import { importOptional, outputsFrom, stateFrom } from './engine';
import { inputCopies } from './inputCopies';

export interface OnnxruntimeOptions {
  /** What runs the program. Default: the CPU. */
  readonly device?: Device;
  /** Threads inside an op. Default: onnxruntime's, the number of physical cores. */
  readonly numThreads?: number;
  /** Writes a profile in Chrome's trace format to files with this prefix, when the program is disposed. */
  readonly profile?: string;
}
export type Device = 'cpu' | 'cuda' | 'webgpu';

const GPUS = {
  cuda: {
    provider: 'CUDA',
    memory: 'Cuda',
    needs:
      'an NVIDIA GPU, CUDA 12, cuDNN 9, and the libraries that the install script of onnxruntime-node downloads: ' +
      'node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12',
  },
  webgpu: {
    provider: 'WebGPU',
    memory: 'WebGPU_Buf',
    needs: 'a GPU with Vulkan (Linux), Direct3D 12 (Windows) or Metal (macOS)',
  },
} as const;

type Koffi = typeof import('koffi');

/** The library, and what calls it. */
export interface OnnxruntimeRuntime {
  readonly koffi: Koffi;
  readonly library: OnnxruntimeLibrary;
}

const LIBRARY_NAMES: Readonly<Record<string, string>> = {
  linux: 'libonnxruntime.so.1',
  darwin: 'libonnxruntime.1.dylib',
  win32: 'onnxruntime.dll',
};

/**
 * onnxruntime, or `undefined` where one of the optional packages onnxruntime-node and koffi is not installed.
 *
 * @throws when the library does not fit
 */
export async function findOnnxruntime(): Promise<OnnxruntimeRuntime | undefined> {
  const koffi = await importOptional<Koffi>(() => import('koffi'));
  const manifest = await importOptional<string>(async () =>
    createRequire(import.meta.url).resolve('onnxruntime-node/package.json'),
  );
  const name = LIBRARY_NAMES[process.platform];
  if (!koffi || !manifest || !name) return undefined;
  const folder = join(dirname(manifest), 'bin', 'napi-v6', process.platform, process.arch);
  return { koffi, library: loadOnnxruntime(koffi, join(folder, name)) };
}

/** The traced program in onnxruntime. */
export async function onnxruntimeProgram(
  { koffi, library: ort }: OnnxruntimeRuntime,
  trace: Trace,
  initialState: Tree<GivenTensor>,
  { device = 'cpu', numThreads, profile }: OnnxruntimeOptions,
) {
  const gpu = gpuOf(device);
  const own = withElements(trace);
  const graph = gpu ? own.graph : rewrite(own.graph, cpuRules);
  const model = encodeOnnx(toOnnx(graph));
  const session = await ort
    .createSession(model, { provider: gpu?.provider, numThreads, profile })
    .catch((error: Error) => {
      if (!gpu) throw error;
      throw new Error(
        `The device '${device}' can't be used: ${error.message.trim()}\nIt needs ${gpu.needs}.`,
      );
    });
  const allocate = ({ dtype, shape }: { dtype: string; shape: readonly number[] }) =>
    alignedArray(koffi, dtype, shape);
  const memory = gpu
    ? await deviceMemory(ort, session, gpu.memory, own.state, gpu)
    : hostMemory(ort, allocate);

  const outputs = new Map<string, Tensor>();
  for (const [name, spec] of graph.outputs) {
    if (!name.startsWith('outputs/')) continue;
    outputs.set(name, ort.tensor(spec.dtype as 'float32', spec.shape, allocate(spec)));
  }
  // Where the old value may be overwritten one tensor is enough; elsewhere two take turns.
  const inPlace = inPlaceState(graph);
  const even = new Map([...own.state].map(([path, spec]) => [path, memory.allocate(spec)]));
  const odd = new Map(even);
  for (const path of own.changed) {
    if (!inPlace.has(path)) odd.set(path, memory.allocate(own.state.get(path)!));
  }
  function bound(from: ReadonlyMap<string, Tensor>, to: ReadonlyMap<string, Tensor>): Binding {
    const binding = ort.createBinding(session);
    for (const [path, tensor] of from) ort.bindInput(binding, `state/${path}`, tensor);
    for (const path of own.changed) ort.bindOutput(binding, `next/${path}`, to.get(path)!);
    for (const [name, tensor] of outputs) ort.bindOutput(binding, name, tensor);
    return binding;
  }
  let now = { state: even, step: bound(even, odd) };
  let then = { state: odd, step: bound(odd, even) };
  await memory.write(now.state, stateNumbers(initialState, trace.state));
  const copies = inputCopies(
    trace.inputs,
    (spec) => {
      const data = allocate(spec);
      return { data, tensor: ort.tensor(spec.dtype, spec.shape, data) };
    },
    ({ tensor }) => ort.releaseTensor(tensor),
  );

  const calls = callQueue();
  return {
    run: (inputs: Tree<GivenTensor>): Promise<Tree<HostTensor>> =>
      calls.callWith(
        () => copies.take(inputs),
        async (given) => {
          try {
            for (const [path, { tensor }] of given) ort.bindInput(now.step, `inputs/${path}`, tensor);
            await ort.run(session, now.step);
          } finally {
            copies.giveBack(given);
          }
          [now, then] = [then, now];
          return outputsFrom(trace, (path) => outputs.get(`outputs/${path}`)!.data as HostArray);
        },
      ),
    readState: (): Promise<Tree<HostTensor>> =>
      calls.call(async () => {
        const arrays = await memory.read(now.state);
        return stateFrom(trace, (path) => arrays.get(path));
      }),
    writeState: (state: Tree<GivenTensor>): Promise<void> =>
      calls.callWith(
        // A device's memory is written by other threads, while the caller goes on.
        (waits) => stateNumbers(state, trace.state, waits || gpu !== undefined),
        (numbers) => memory.write(now.state, numbers),
      ),
    dispose: (): Promise<void> =>
      calls.dispose(async () => {
        if (profile !== undefined) ort.endProfiling(session);
        for (const { step } of [now, then]) ort.releaseBinding(step);
        for (const tensor of new Set([...even.values(), ...odd.values(), ...outputs.values()])) {
          ort.releaseTensor(tensor);
        }
        copies.dispose();
        memory.dispose();
        ort.releaseSession(session);
      }),
  };
}

function gpuOf(device: Device): (typeof GPUS)[keyof typeof GPUS] | undefined {
  if (device === 'cpu') return undefined;
  if (device === 'cuda' || device === 'webgpu') return GPUS[device];
  throw new Error(`There is no device '${device}'. Devices: cpu, cuda, webgpu.`);
}
