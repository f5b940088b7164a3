import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Tree } from '@beit/tensors';
import type { Device, OnnxruntimeOptions } from '../../compileOptions';
import { encodeOnnx } from '../../onnx/proto';
import { toOnnx } from '../../onnx/toOnnx';
import { withElements } from '../../passes/emptyTensors';
import { inPlaceState } from '../../passes/inPlaceState';
import { rewrite } from '../../passes/optimize';
import type { Trace } from '../../record/trace';
import type { SpecTree } from '../../specTree';
import type { GivenTensor } from '../../types';
import { alignedArray, type HostArray } from '../alignedArray';
import { stateNumbers } from '../checkedLeaves';
import { type CompiledEngine, type HostPrograms, importOptional } from '../engine';
import { guardLoading } from '../guardLoading';
import { inputCopies } from '../inputCopies';
import { findKoffi, type Koffi } from '../koffi';
import { type BoundProgram, bindOnce, movingOn, stateBuffers } from '../stateBuffers';
import { type LoadedProgram, tracedPrograms } from '../tracedPrograms';
import { cpuRules } from './cpuRules';
import { type Handle, loadOnnxruntime, type OnnxruntimeLibrary, type Tensor } from './library';
import { deviceMemory, hostMemory } from './stateMemory';

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
 * @throws when the library is cut off or does not fit
 */
export async function findOnnxruntime(): Promise<OnnxruntimeRuntime | undefined> {
  const koffi = await findKoffi();
  const manifest = await importOptional<string>(async () =>
    createRequire(import.meta.url).resolve('onnxruntime-node/package.json'),
  );
  const name = LIBRARY_NAMES[process.platform];
  if (!koffi || !manifest || !name) return undefined;
  const folder = join(dirname(manifest), 'bin', 'napi-v6', process.platform, process.arch);
  const path = join(folder, name);
  const mend = `Remove ${dirname(manifest)}, and install your packages again.`;
  await guardLoading({ installed: undefined, libraries: [path], mend });
  return { koffi, library: loadOnnxruntime(koffi, path) };
}

/** onnxruntime, for CPUs and by option for GPUs. */
export const onnxruntime: CompiledEngine = {
  find: async ({ device = 'cpu' }) => {
    const runtime = await findOnnxruntime();
    return (
      runtime && {
        make: (...given) => onnxruntimePrograms(runtime, ...given),
        about: `onnxruntime, ${device}`,
      }
    );
  },
  install: 'the packages onnxruntime-node and koffi: npm install onnxruntime-node koffi',
  precisions: ['fp32'],
  devices: ['cpu', 'cuda', 'webgpu'],
};

/** Traced steps over one state in onnxruntime. */
async function onnxruntimePrograms(
  { koffi, library: ort }: OnnxruntimeRuntime,
  traces: ReadonlyMap<string, Trace>,
  stateTree: SpecTree,
  initialState: Tree<GivenTensor>,
  options: OnnxruntimeOptions,
): Promise<HostPrograms> {
  const gpu = gpuOf(options.device ?? 'cpu');
  const allocate = ({ dtype, shape }: { dtype: string; shape: readonly number[] }) =>
    alignedArray(koffi, dtype, shape);
  const loaded = new Map<string, OnnxruntimeProgram>();
  for (const [name, trace] of traces) {
    loaded.set(name, await loadProgram(ort, trace, allocate, options));
  }
  const programs = [...loaded.values()];
  const memory =
    gpu && programs[0]
      ? deviceMemory(ort, programs[0].session, gpu.memory, { provider: gpu.provider })
      : hostMemory(ort, allocate);
  const buffers = stateBuffers(stateTree.specs, programs, (spec) => memory.allocate(spec));
  const held = (paths: Iterable<string>) =>
    [...paths].flatMap((path) => {
      const tensor = buffers.current.get(path);
      const spec = stateTree.specs.get(path);
      return tensor && spec ? [{ path, tensor, spec }] : [];
    });
  const write = (numbers: ReadonlyMap<string, HostArray>) => memory.write(held(numbers.keys()), numbers);
  await write(stateNumbers(initialState, stateTree.specs));

  return tracedPrograms(
    new Map([...loaded].map(([name, program]) => [name, movingOn(program, buffers)])),
    stateTree,
    { read: (paths) => memory.read(held(paths)), write, isElsewhere: gpu !== undefined },
    async () => {
      for (const tensor of buffers.all()) ort.releaseTensor(tensor);
      memory.dispose();
      for (const program of programs) program.dispose();
    },
  );
}

/** A program that is loaded, with its own inputs and outputs. */
interface OnnxruntimeProgram extends LoadedProgram<HostInput>, BoundProgram<Tensor> {
  readonly session: Handle;
  dispose(): void;
}

/** A tensor of the library over an array of ours. */
interface HostInput {
  readonly data: HostArray;
  readonly tensor: Tensor;
}

async function loadProgram(
  ort: OnnxruntimeLibrary,
  trace: Trace,
  allocate: (spec: { dtype: string; shape: readonly number[] }) => HostArray,
  { device = 'cpu', numThreads, profile }: OnnxruntimeOptions,
): Promise<OnnxruntimeProgram> {
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
  const binding = ort.createBinding(session);
  const bindInput = bindOnce((name, tensor: Tensor) => ort.bindInput(binding, name, tensor));
  const bindOutput = bindOnce((name, tensor: Tensor) => ort.bindOutput(binding, name, tensor));
  const hostTensor = (spec: { dtype: string; shape: readonly number[] }): HostInput => {
    const data = allocate(spec);
    return { data, tensor: ort.tensor(spec.dtype as 'float32', spec.shape, data) };
  };
  const outputs = new Map<string, HostInput>();
  for (const [name, spec] of graph.outputs) {
    if (!name.startsWith('outputs/')) continue;
    const output = hostTensor(spec);
    outputs.set(name, output);
    bindOutput(name, output.tensor);
  }
  const copies = inputCopies(trace.inputs, hostTensor, ({ tensor }) => ort.releaseTensor(tensor));
  const inPlace = inPlaceState(graph);
  return {
    session,
    trace,
    copies,
    changed: own.changed,
    inPlace,
    bindState({ current, next }) {
      for (const [path, tensor] of current) {
        if (graph.inputs.has(`state/${path}`)) bindInput(`state/${path}`, tensor);
      }
      for (const path of own.changed) bindOutput(`next/${path}`, next(path, inPlace));
    },
    async run(given) {
      for (const [path, { tensor }] of given) bindInput(`inputs/${path}`, tensor);
      await ort.run(session, binding);
      return (path) => outputs.get(`outputs/${path}`)?.data;
    },
    dispose() {
      if (profile !== undefined) ort.endProfiling(session);
      ort.releaseBinding(binding);
      for (const { tensor } of outputs.values()) ort.releaseTensor(tensor);
      copies.dispose();
      ort.releaseSession(session);
    },
  };
}

const gpuOf = (device: Device) => (device === 'cuda' || device === 'webgpu' ? GPUS[device] : undefined);
