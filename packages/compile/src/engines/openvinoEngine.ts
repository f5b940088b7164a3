import type { HostTensor } from '@beit/weights';
import { sizeOf } from '../graph/graph';
import {
  type ElementType,
  type Handle,
  loadOpenvino,
  type OpenvinoLibrary,
  type ProfiledLayer,
} from '../openvino/library';
import { toOpenvino } from '../openvino/toOpenvino';
import { inPlaceState } from '../passes/inPlaceState';
import type { Trace } from '../record/trace';
import type { Tree } from '../tree';
import type { TensorSpec } from '../types';
import { alignedArray, type HostArray } from './alignedArray';
import { callQueue } from './callQueue';
import { checkedLeaves, importOptional, outputsFrom, treeFromPaths } from './engine';

export interface OpenvinoOptions {
  /** The folder of OpenVINO's C library. Default: searched for, see `findOpenvino`. */
  readonly openvino?: string;
  /** Threads inside an op. Default: OpenVINO's, the number of physical cores. */
  readonly numThreads?: number;
  /** Where compiled programs are kept for the next run; `false`: nowhere. Default: `programs` in the user's cache. */
  readonly programCache?: string | false;
  /** Writes where the time went to a JSON file with this prefix, when the program is disposed. */
  readonly profile?: string;
}

type Koffi = typeof import('koffi');

/** The library, and what calls it. */
export interface OpenvinoRuntime {
  readonly koffi: Koffi;
  readonly library: OpenvinoLibrary;
}

/**
 * OpenVINO, or `undefined` where the library or the optional package koffi is not installed.
 *
 * @throws when an explicit folder does not have the library, or the library does not fit
 */
export async function findOpenvinoEngine({
  openvino,
}: OpenvinoOptions): Promise<OpenvinoRuntime | undefined> {
  const koffi = await importOptional<Koffi>(() => import('koffi'));
  if (!koffi) return undefined;
  const { findOpenvino } = await import('./findOpenvino');
  const location = await findOpenvino(openvino === undefined ? {} : { folder: openvino });
  if (!location) return undefined;
  let library = loaded.get(location.library);
  if (!library) {
    library = loadOpenvino(koffi, location.library);
    loaded.set(location.library, library);
  }
  return { koffi, library };
}
const loaded = new Map<string, OpenvinoLibrary>();

const ELEMENT_TYPES: Readonly<Record<string, ElementType>> = {
  float32: 'f32',
  int32: 'i32',
  bool: 'boolean',
};
/** The traced program in OpenVINO, on the CPU. */
export async function openvinoProgram(
  { koffi, library: ov }: OpenvinoRuntime,
  trace: Trace,
  initialState: Tree<HostTensor>,
  { numThreads, profile, programCache: cache }: OpenvinoOptions,
) {
  const { graph } = trace;
  returnFreedMemory(koffi);
  const cacheDir = cache === false ? undefined : await (await import('./programCache')).programCache(cache);
  const core = ov.createCore();
  const { xml, weights, outputs: outputNames } = toOpenvino(graph);
  // The library does not copy constants: they live as long as the program.
  const constants = { data: weights, tensor: ov.tensor('u8', [weights.length], weights) };
  const model = ov.readModel(core, new TextEncoder().encode(xml), constants.tensor);
  const compiled = ov.compileModel(core, model, 'CPU', {
    // The program itself says where bfloat16 is used.
    INFERENCE_PRECISION_HINT: 'f32',
    PERFORMANCE_HINT: 'LATENCY',
    ...(numThreads === undefined ? {} : { INFERENCE_NUM_THREADS: String(numThreads) }),
    ...(cacheDir === undefined ? {} : { CACHE_DIR: cacheDir }),
    ...(profile !== undefined ? { PERF_COUNT: 'YES' } : {}),
  });
  ov.free('model', model);
  const request = ov.createRequest(compiled);

  const slot = (dtype: string, shape: readonly number[]): Slot => {
    const data = alignedArray(koffi, dtype, shape);
    const type = ELEMENT_TYPES[dtype]!;
    return { data, tensor: ov.tensor(type, shape, data), row: ov.tensor(type, [1, sizeOf(shape)], data) };
  };

  const inputNames = [...graph.inputs.keys()];
  const inPlace = inPlaceState(graph);
  const inputIndex = new Map(inputNames.map((name, i) => [name, i]));

  const outputs = new Map<string, Slot>();
  const current = new Map<string, Slot>();
  const spare = new Map<string, Slot>();
  for (const [path, { dtype, shape }] of trace.state) current.set(path, slot(dtype, shape));
  for (const path of trace.changed) {
    const { dtype, shape } = trace.state.get(path)!;
    spare.set(path, inPlace.has(path) ? current.get(path)! : slot(dtype, shape));
  }
  outputNames.forEach((name, i) => {
    if (name.startsWith('next/')) return;
    const { dtype, shape } = graph.outputs.get(name)!;
    const output = slot(dtype, shape);
    outputs.set(name.slice('outputs/'.length), output);
    ov.setOutput(request, i, output.row);
  });
  const fill = (state: Tree<HostTensor>) => {
    for (const [path, leaf] of checkedLeaves(state, trace.state, 'state'))
      current.get(path)!.data.set(leaf.data);
  };
  fill(initialState);

  function bindState() {
    for (const [path, { tensor }] of current) ov.setInput(request, inputIndex.get(`state/${path}`)!, tensor);
    outputNames.forEach((name, i) => {
      if (name.startsWith('next/')) ov.setOutput(request, i, spare.get(name.slice('next/'.length))!.row);
    });
  }

  async function run(inputs: Tree<HostTensor>): Promise<Tree<HostTensor>> {
    const leaves = checkedLeaves(inputs, trace.inputs, 'input');
    const given: Handle[] = [];
    for (const [path, { data }] of leaves) {
      const { dtype, shape } = trace.inputs.get(path)!;
      const tensor = ov.tensor(ELEMENT_TYPES[dtype]!, shape, data);
      given.push(tensor);
      ov.setInput(request, inputIndex.get(`inputs/${path}`)!, tensor);
    }
    bindState();
    try {
      await ov.infer(request);
    } finally {
      for (const tensor of given) ov.free('tensor', tensor);
    }
    for (const path of trace.changed) {
      const old = current.get(path)!;
      current.set(path, spare.get(path)!);
      spare.set(path, old);
    }
    return outputsFrom(trace, (path) => {
      const { dtype, shape } = graph.outputs.get(`outputs/${path}`)!;
      // TensorFlow.js's booleans are bytes on the host.
      const type = dtype === 'bool' ? 'uint8' : (dtype as TensorSpec['dtype']);
      return { dtype: type, shape, data: outputs.get(path)!.data.slice() } as HostTensor;
    });
  }

  const queue = callQueue();
  return {
    run: (inputs: Tree<HostTensor>) => queue(() => run(inputs)),
    readState: () =>
      queue(async () =>
        treeFromPaths(
          [...current].map(
            ([path, { data }]) => [path, { ...trace.state.get(path)!, data } as HostTensor] as const,
          ),
        ),
      ),
    writeState: (state: Tree<HostTensor>) => queue(async () => fill(state)),
    dispose: () =>
      queue(async () => {
        if (profile !== undefined) await writeProfile(`${profile}.json`, ov.profile(request));
        for (const slot of new Set([...current.values(), ...spare.values(), ...outputs.values()])) {
          ov.free('tensor', slot.tensor);
          ov.free('tensor', slot.row);
        }
        ov.free('infer_request', request);
        ov.free('compiled_model', compiled);
        ov.free('tensor', constants.tensor);
        ov.free('core', core);
      }),
  };
}

/** Memory of ours that the library reads and writes. */
interface Slot {
  readonly data: HostArray;
  readonly tensor: Handle;
  /** The same memory as one row, as outputs are. */
  readonly row: Handle;
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
let returns = false;

/**
 * Has glibc give large freed blocks back to the system. OpenVINO allocates a tensor for every input and frees it when
 * ours takes its place; glibc would keep those, a second copy of the training state: of ViT-B's 4.2 GB, 1.1 GB.
 */
function returnFreedMemory(koffi: Koffi): void {
  if (returns || process.platform !== 'linux') return;
  returns = true;
  try {
    koffi.load('libc.so.6').func('int mallopt(int parameter, int value)')(MMAP_THRESHOLD, LARGE_BLOCK);
  } catch {
    // Another C library, such as musl's, has no such setting.
  }
}
