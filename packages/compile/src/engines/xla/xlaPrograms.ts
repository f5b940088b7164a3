import type { Tree } from '@beit/tensors';
import type { XlaOptions } from '../../compileOptions';
import { at, get } from '../../graph/lists';
import { indexError } from '../../passes/checkedIndices';
import { withElements } from '../../passes/emptyTensors';
import type { Trace } from '../../record/trace';
import type { SpecTree } from '../../specTree';
import type { GivenTensor, Precision } from '../../types';
import type { HostArray } from '../alignedArray';
import { checkedLeaves, numbersOf, stateNumbers } from '../checkedLeaves';
import type { HostPrograms } from '../engine';
import type { InputCopies } from '../inputCopies';
import { type LoadedProgram, tracedPrograms } from '../tracedPrograms';
import type { XlaRuntime } from './devices';
import type { Client, Device, DeviceTensor, Executable } from './pjrt/client';
import type { XlaCompileOptions } from './pjrt/compileOptions';
import { evenAxis, fromDevices, type SplitAxis, toDevices } from './shards';
import { toStablehlo } from './stablehlo/toStablehlo';

/** Traced steps over one state in XLA. */
export async function xlaPrograms(
  { shared, devices }: XlaRuntime,
  traces: ReadonlyMap<string, Trace>,
  stateTree: SpecTree,
  initialState: Tree<GivenTensor>,
  options: XlaOptions & { readonly precision?: Precision },
): Promise<HostPrograms> {
  const { client } = shared;
  const splits = new Map([...stateTree.specs].map(([path]) => [path, undefined as SplitAxis]));
  const state = deviceState(client, devices, stateTree, splits);
  const loaded = new Map<string, XlaProgram>();
  for (const [name, trace] of traces) {
    loaded.set(name, await loadProgram(client, devices, trace, state, options));
  }
  state.write(stateNumbers(initialState, stateTree.specs));
  return tracedPrograms(
    loaded,
    stateTree,
    { read: state.read, write: async (numbers) => state.write(numbers), isElsewhere: true },
    async () => {
      for (const program of loaded.values()) program.dispose();
      state.dispose();
      shared.release();
    },
  );
}

/** The state on the devices, by path. */
interface DeviceState {
  readonly current: ReadonlyMap<string, readonly DeviceTensor[]>;
  splitOf(path: string): SplitAxis;
  /** Takes what a run made of a part of the state, in place of what it was given. */
  replace(path: string, next: readonly DeviceTensor[]): void;
  /** A run that was given all of it, to write over, has failed. */
  lose(): void;
  /** @throws where it is lost */
  assertThere(): void;
  read(paths: readonly string[]): Promise<ReadonlyMap<string, HostArray>>;
  write(numbers: ReadonlyMap<string, HostArray>): void;
  dispose(): void;
}

function deviceState(
  client: Client,
  devices: readonly Device[],
  { specs }: SpecTree,
  splits: ReadonlyMap<string, SplitAxis>,
): DeviceState {
  const current = new Map<string, readonly DeviceTensor[]>();
  const free = (path: string) => {
    for (const tensor of current.get(path) ?? []) client.free(tensor);
  };
  const lost = new Set<string>();
  const splitOf = (path: string) => splits.get(path);
  function assertThere(): void {
    if (lost.size === 0) return;
    throw new Error(
      'The state was lost when a run failed, which writes the next one over it: write it anew.',
    );
  }
  return {
    current,
    splitOf,
    replace(path, next) {
      free(path);
      current.set(path, next);
    },
    lose() {
      for (const path of current.keys()) lost.add(path);
    },
    assertThere,
    async read(paths) {
      assertThere();
      const arrays = new Map<string, HostArray>();
      for (const path of paths) {
        const held = current.get(path);
        if (held) arrays.set(path, await fromDevices(client, held, get(specs, path), splitOf(path)));
      }
      return arrays;
    },
    write(numbers) {
      for (const [path, data] of numbers) {
        if (data.length === 0) continue;
        free(path);
        current.set(path, toDevices(client, devices, data, get(specs, path), splitOf(path)));
        lost.delete(path);
      }
    },
    dispose() {
      for (const path of current.keys()) free(path);
    },
  };
}

/** XLA's own: on CPUs, the maximum of NaN and a number would be the number. */
const debugOptionsOf = (platform: string): XlaCompileOptions['debugOptions'] =>
  platform === 'cpu' ? { xla_cpu_enable_fast_min_max: false } : {};

type OnDevices = readonly DeviceTensor[];

/** A program that is compiled. */
interface XlaProgram extends LoadedProgram<OnDevices> {
  readonly executable: Executable;
  dispose(): void;
}

async function loadProgram(
  client: Client,
  devices: readonly Device[],
  trace: Trace,
  state: DeviceState,
  _options: XlaOptions,
): Promise<XlaProgram> {
  const own = withElements(trace);
  const { graph } = own;
  // What the program writes goes where the old value is; XLA keeps what it still needs of that.
  const donated = new Map(
    own.changed
      .filter((path) => graph.inputs.has(`state/${path}`))
      .map((path) => [`state/${path}`, `next/${path}`]),
  );
  const { text, checks } = toStablehlo(graph, { donated });
  const executable = await client.compile(text, {
    devices: devices.map(({ id }) => id),
    debugOptions: debugOptionsOf(client.platform),
  });
  const outputNames = [...graph.outputs.keys()];
  const inputSplits = new Map(
    [...own.inputs].map(([path, spec]) => [
      path,
      evenAxis({ shape: spec.shape.slice(0, 1) }, devices.length),
    ]),
  );
  const freeAll = (tensors: Iterable<OnDevices>) => {
    for (const list of tensors) for (const tensor of list) client.free(tensor);
  };

  const copies: InputCopies<OnDevices> = {
    take(inputs) {
      const leaves = checkedLeaves(inputs, trace.inputs, 'input');
      return new Map(
        [...own.inputs].map(([path, spec]) => {
          const numbers = numbersOf(get(leaves, path));
          return [path, toDevices(client, devices, numbers, spec, inputSplits.get(path))];
        }),
      );
    },
    giveBack: (tensors) => freeAll(tensors.values()),
    dispose() {},
  };

  /** @throws where one is outside; the state has moved on then */
  function assertIndices(bounds: HostArray): void {
    checks.forEach(({ op, limit }, i) => {
      const wrong = bounds.subarray(2 * i, 2 * i + 2).find((index) => !(index >= 0 && index < limit));
      if (wrong === undefined) return;
      const hint = own.changed.length > 0 ? ' The run has changed the state: write it anew.' : '';
      throw new Error(`${indexError(op, wrong, limit)}${hint}`);
    });
  }

  return {
    trace,
    copies,
    executable,
    async run(given) {
      state.assertThere();
      const inputs = [...graph.inputs.keys()].map((name) => {
        const path = name.slice(name.indexOf('/') + 1);
        return name.startsWith('state/') ? get(state.current, path) : get(given, path);
      });
      const made = await executable
        .run(devices.map((_, i) => inputs.map((tensors) => at(tensors, i))))
        .catch((error: unknown) => {
          if (donated.size > 0) state.lose();
          throw error;
        });
      const outputs = outputNames.map((_, i) => made.map((list) => at(list, i)));
      const arrays = new Map<string, HostArray>();
      const rest: OnDevices[] = [];
      try {
        for (const [i, name] of outputNames.entries()) {
          const tensors = at(outputs, i);
          if (name.startsWith('next/')) state.replace(name.slice('next/'.length), tensors);
          else rest.push(tensors);
        }
        for (const [i, name] of outputNames.entries()) {
          if (!name.startsWith('outputs/')) continue;
          const spec = get(graph.outputs, name);
          arrays.set(
            name.slice('outputs/'.length),
            await fromDevices(client, at(outputs, i), spec, undefined),
          );
        }
        if (checks.length > 0) {
          const bounds = made.map((list) => at(list, outputNames.length));
          rest.push(bounds);
          const spec = { dtype: 'int32', shape: [2 * checks.length] };
          assertIndices(await fromDevices(client, bounds, spec, undefined));
        }
      } finally {
        freeAll(rest);
      }
      return (path) => arrays.get(path);
    },
    dispose() {
      executable.dispose();
    },
  };
}
