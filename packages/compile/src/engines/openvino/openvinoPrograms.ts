import { cpus } from 'node:os';
import type { LoadingGuard, OpenvinoLocation } from '@beit/installed';
import { messageOf, type Tree } from '@beit/tensors';
import type { OpenvinoOptions } from '../../compileOptions';
import { sizeOf } from '../../graph/graph';
import { get } from '../../graph/lists';
import { once } from '../../once';
import { assertIndices } from '../../passes/checkedIndices';
import { withElements } from '../../passes/emptyTensors';
import { inPlaceState } from '../../passes/inPlaceState';
import type { Trace } from '../../record/trace';
import type { SpecTree } from '../../specTree';
import type { GivenTensor } from '../../types';
import { alignedArray, copyNumbers, type HostArray } from '../alignedArray';
import { stateNumbers } from '../checkedLeaves';
import type { CompiledEngine, HostPrograms } from '../engine';
import { doneWhenRun, guardLoading } from '../guardLoading';
import { inputCopies } from '../inputCopies';
import { findKoffi, type Koffi } from '../koffi';
import { type BoundProgram, bindOnce, movingOn, stateBuffers } from '../stateBuffers';
import { type LoadedProgram, tracedPrograms } from '../tracedPrograms';
import { CHECKS } from './ir';
import {
  type ElementType,
  type Handle,
  loadOpenvino,
  type OpenvinoLibrary,
  type ProfiledLayer,
} from './library';
import { toOpenvino } from './toOpenvino';

/** The library, and what calls it. */
export interface OpenvinoRuntime {
  readonly koffi: Koffi;
  readonly library: OpenvinoLibrary;
  readonly guard: LoadingGuard;
}

/**
 * OpenVINO, or `undefined` where the library or the optional package koffi is not installed.
 *
 * @throws when an explicit folder does not have the library, or the library does not fit
 */
async function findOpenvinoEngine({ openvino }: OpenvinoOptions): Promise<OpenvinoRuntime | undefined> {
  const koffi = await findKoffi();
  if (!koffi) return undefined;
  const { findOpenvino } = await import('@beit/installed');
  const location = await findOpenvino(openvino === undefined ? {} : { folder: openvino });
  if (!location) return undefined;
  const runtime = loaded.get(location.library) ?? load(koffi, location);
  loaded.set(location.library, runtime);
  runtime.catch(() => loaded.delete(location.library));
  return runtime;
}
const loaded = new Map<string, Promise<OpenvinoRuntime>>();

async function load(koffi: Koffi, { library, folder, source }: OpenvinoLocation): Promise<OpenvinoRuntime> {
  const { readdir } = await import('node:fs/promises');
  const { join } = await import('node:path');
  const parts = (await readdir(folder)).filter((name) => /^lib(?:openvino|tbb|hwloc)/.test(name));
  const guard = await guardLoading({
    installed: source === 'installed' ? 'openvino' : undefined,
    libraries: [library, ...parts.map((name) => join(folder, name))],
  });
  return { koffi, library: await guard.attempt(() => loadOpenvino(koffi, library)), guard };
}

/**
 * Whether this processor multiplies in bfloat16. Elsewhere OpenVINO computes a program of that precision in float32.
 * False where OpenVINO is not installed.
 */
export async function hasNativeBfloat16(options: OpenvinoOptions = {}): Promise<boolean> {
  const runtime = await findOpenvinoEngine(options);
  if (!runtime) return false;
  const { library, guard } = runtime;
  const core = library.createCore();
  const told = await guard.attempt(() => library.property(core, 'CPU', 'OPTIMIZATION_CAPABILITIES'));
  const capabilities = told.split(/[\s,]+/);
  library.free('core', core);
  return capabilities.includes('BF16');
}

/** The version of the OpenVINO that is used here, as it says itself; `undefined` where it is not installed. */
export const openvinoVersion = async (options: OpenvinoOptions = {}): Promise<string | undefined> =>
  (await findOpenvinoEngine(options))?.library.version;

/** OpenVINO, for CPUs. */
export const openvino: CompiledEngine = {
  find: async (options) => {
    const runtime = await findOpenvinoEngine(options);
    return (
      runtime && {
        make: async (...given) =>
          doneWhenRun(runtime.guard, await runtime.guard.attempt(() => openvinoPrograms(runtime, ...given))),
        about: `OpenVINO ${runtime.library.version}`,
      }
    );
  },
  install: 'OpenVINO and the package koffi: npm install koffi, then npx @beit/engines install openvino',
  precisions: ['fp32', 'bf16'],
  bfloat16: { sumsAsProducts: true },
  devices: ['cpu'],
};

const ELEMENT_TYPES: ReadonlyMap<string, ElementType> = new Map([
  ['float32', 'f32'],
  ['int32', 'i32'],
  ['bool', 'boolean'],
]);

function elementType(dtype: string): ElementType {
  const type = ELEMENT_TYPES.get(dtype);
  if (type === undefined) throw new Error(`OpenVINO's programs have no tensor of dtype '${dtype}'.`);
  return type;
}

/**
 * The compiled model. OpenVINO 2026.4 fails where it would make one kernel of the elementwise work of some residual sums,
 * those between a reshape and the one back: such a program gets a kernel for each op. It fails, too, where what it kept is
 * damaged: then it compiles anew, and keeps nothing.
 */
function compiledModel(
  ov: OpenvinoLibrary,
  core: Handle,
  model: Handle,
  properties: Readonly<Record<string, string>>,
): Handle {
  try {
    return ov.compileModel(core, model, 'CPU', properties);
  } catch (error) {
    const { CACHE_DIR, SNIPPETS_MODE, ...rest } = properties;
    if (SNIPPETS_MODE === undefined && messageOf(error).includes('TokenizeSnippets')) {
      return compiledModel(ov, core, model, { ...properties, SNIPPETS_MODE: 'DISABLE' });
    }
    if (CACHE_DIR === undefined) throw error;
    return compiledModel(ov, core, model, SNIPPETS_MODE === undefined ? rest : { ...rest, SNIPPETS_MODE });
  }
}

/** Traced steps over one state in OpenVINO, on the CPU. */
async function openvinoPrograms(
  { koffi, library: ov }: OpenvinoRuntime,
  traces: ReadonlyMap<string, Trace>,
  stateTree: SpecTree,
  initialState: Tree<GivenTensor>,
  options: OpenvinoOptions,
): Promise<HostPrograms> {
  const giveBack = once(returnFreedMemory(koffi));
  const core = ov.createCore();
  const loaded = new Map<string, OpenvinoProgram>();
  for (const [name, trace] of traces) {
    loaded.set(name, await loadProgram(koffi, ov, core, trace, giveBack, options));
  }
  const buffers = stateBuffers(stateTree.specs, [...loaded.values()], ({ dtype, shape }) =>
    slotOf(koffi, ov, dtype, shape),
  );
  const write = async (numbers: ReadonlyMap<string, HostArray>) => {
    for (const [path, array] of numbers) {
      const held = buffers.current.get(path);
      if (held) copyNumbers(array, held.data);
    }
  };
  await write(stateNumbers(initialState, stateTree.specs));

  return tracedPrograms(
    new Map([...loaded].map(([name, program]) => [name, movingOn(program, buffers)])),
    stateTree,
    {
      read: async (paths) =>
        new Map(
          paths.flatMap((path) => {
            const held = buffers.current.get(path);
            return held ? [[path, held.data] as const] : [];
          }),
        ),
      write,
      isElsewhere: false,
    },
    async () => {
      for (const [name, program] of loaded) {
        if (options.profile !== undefined) {
          const file = loaded.size === 1 ? options.profile : `${options.profile}-${name}`;
          await writeProfile(`${file}.json`, program.profile());
        }
        program.dispose();
      }
      for (const held of buffers.all()) freeSlot(ov, held);
      ov.free('core', core);
    },
  );
}

/** A program that is compiled, with its own inputs and outputs. */
interface OpenvinoProgram extends LoadedProgram<OpenvinoInput>, BoundProgram<Slot> {
  profile(): readonly ProfiledLayer[];
  dispose(): void;
}

interface OpenvinoInput {
  readonly data: HostArray;
  readonly tensor: Handle;
}

async function loadProgram(
  koffi: Koffi,
  ov: OpenvinoLibrary,
  core: Handle,
  trace: Trace,
  giveBack: () => void,
  { numThreads, profile, programCache: cache }: OpenvinoOptions,
): Promise<OpenvinoProgram> {
  const own = withElements(trace);
  const { graph } = own;
  const { xml, weights, inputs: inputNames, outputs: outputNames, constants, checks } = toOpenvino(graph);
  // The library does not copy constants: they live as long as the program.
  const kept = { data: weights, tensor: ov.tensor('u8', [weights.length], weights) };
  const model = ov.readModel(core, new TextEncoder().encode(xml), kept.tensor);
  const properties = {
    // The program itself says where bfloat16 is used.
    INFERENCE_PRECISION_HINT: 'f32',
    PERFORMANCE_HINT: 'LATENCY',
    ...(numThreads === undefined ? {} : { INFERENCE_NUM_THREADS: String(numThreads) }),
    // Fewer threads than processors are often one process of several; bound to processors, which is the default, those
    // of all processes would share the first ones.
    ...(numThreads !== undefined && numThreads < cpus().length ? { ENABLE_CPU_PINNING: 'NO' } : {}),
    ...(profile !== undefined ? { PERF_COUNT: 'YES' } : {}),
  };
  const compileIn = (own: string | undefined) =>
    compiledModel(ov, core, model, own === undefined ? properties : { ...properties, CACHE_DIR: own });
  const cached = async (folder: string | undefined) => {
    const { programKey, withProgramCache } = await import('./programCache');
    return withProgramCache(programKey(ov.version, xml, weights, properties), compileIn, folder);
  };
  const compiled = cache === false ? compileIn(undefined) : await cached(cache);
  ov.free('model', model);
  const request = ov.createRequest(compiled);

  const inputIndex = new Map(inputNames.map((name, i) => [name, i]));
  const outputIndex = new Map(outputNames.map((name, i) => [name, i]));
  const bindInput = bindOnce((name, tensor: Handle) => ov.setInput(request, get(inputIndex, name), tensor));
  const bindOutput = bindOnce((name, { row }: Slot) => ov.setOutput(request, get(outputIndex, name), row));

  const outputs = new Map<string, Slot>();
  for (const [name, { dtype, shape }] of graph.outputs) {
    if (!name.startsWith('outputs/')) continue;
    const output = slotOf(koffi, ov, dtype, shape);
    outputs.set(name, output);
    bindOutput(name, output);
  }
  const fixed = constants.map(({ name, data, value: { dtype, shape } }) => {
    const constant = slotOf(koffi, ov, dtype, shape);
    constant.data.set(data);
    bindInput(name, constant.tensor);
    return constant;
  });
  const bounds = checks.length > 0 ? slotOf(koffi, ov, 'int32', [2 * checks.length]) : undefined;
  if (bounds) bindOutput(CHECKS, bounds);
  const inPlace = inPlaceState(graph);
  const copies = inputCopies(
    trace.inputs,
    ({ dtype, shape }): OpenvinoInput => {
      const data = alignedArray(koffi, dtype, shape);
      return { data, tensor: ov.tensor(elementType(dtype), shape, data) };
    },
    ({ tensor }) => ov.free('tensor', tensor),
  );
  return {
    trace,
    copies,
    changed: own.changed,
    inPlace,
    bindState({ current, next }) {
      for (const [path, { tensor }] of current) {
        if (inputIndex.has(`state/${path}`)) bindInput(`state/${path}`, tensor);
      }
      for (const path of own.changed) bindOutput(`next/${path}`, next(path, inPlace));
    },
    async run(given) {
      giveBack();
      for (const [path, { tensor }] of given) bindInput(`inputs/${path}`, tensor);
      await ov.infer(request);
      if (bounds) assertIndices(checks, bounds.data, trace.changed.length > 0);
      return (path) => outputs.get(`outputs/${path}`)?.data;
    },
    profile: () => ov.profile(request),
    dispose() {
      for (const slot of [...outputs.values(), ...fixed, ...(bounds ? [bounds] : [])]) freeSlot(ov, slot);
      copies.dispose();
      ov.free('infer_request', request);
      ov.free('compiled_model', compiled);
      ov.free('tensor', kept.tensor);
    },
  };
}

/** Memory of ours that the library reads and writes. */
interface Slot {
  readonly data: HostArray;
  readonly tensor: Handle;
  /** The same memory as one row, as outputs are. */
  readonly row: Handle;
}

function slotOf(koffi: Koffi, ov: OpenvinoLibrary, dtype: string, shape: readonly number[]): Slot {
  const data = alignedArray(koffi, dtype, shape);
  const type = elementType(dtype);
  return { data, tensor: ov.tensor(type, shape, data), row: ov.tensor(type, [1, sizeOf(shape)], data) };
}

function freeSlot(ov: OpenvinoLibrary, { tensor, row }: Slot): void {
  ov.free('tensor', tensor);
  ov.free('tensor', row);
}

/** Mean milliseconds of every layer over all runs, slowest first. */
async function writeProfile(path: string, layers: readonly ProfiledLayer[]): Promise<void> {
  const { writeFile } = await import('node:fs/promises');
  const slowestFirst = [...layers].sort((a, b) => b.milliseconds - a.milliseconds);
  await writeFile(path, JSON.stringify(slowestFirst, null, 1));
}

/** glibc's `M_MMAP_THRESHOLD` in mallopt(3), and the size of blocks from which on it is set. */
const MMAP_THRESHOLD = -3;
const LARGE_BLOCK = 1 << 20;

/**
 * Has glibc give large freed blocks back to the system. OpenVINO allocates a tensor for every input and frees it when
 * ours takes its place; glibc would keep those, a second copy of the training state: of ViT-B's 4.2 GB, 1.1 GB.
 *
 * @returns gives back what has been freed before, such as the numbers that the state was made from
 */
function returnFreedMemory(koffi: Koffi): () => void {
  if (process.platform !== 'linux') return () => {};
  try {
    const libc = koffi.load('libc.so.6');
    libc.func('int mallopt(int parameter, int value)')(MMAP_THRESHOLD, LARGE_BLOCK);
    const trim = libc.func('int malloc_trim(size_t pad)');
    return () => trim(0);
  } catch {
    return () => {}; // Another C library, such as musl's, has no such functions.
  }
}
