import type { XlaOptions } from '../../compileOptions';
import { at, get } from '../../graph/lists';
import { assertIndices } from '../../passes/checkedIndices';
import { withElements } from '../../passes/emptyTensors';
import type { Trace } from '../../record/trace';
import type { Precision, ProgramMemory } from '../../types';
import type { HostArray } from '../alignedArray';
import { checkedLeaves, numbersOf } from '../checkedLeaves';
import type { InputCopies } from '../inputCopies';
import type { LoadedProgram } from '../tracedPrograms';
import type { DeviceGroup } from './deviceGroup';
import type { DeviceState } from './deviceState';
import { explained } from './outOfMemory';
import type { DeviceTensor } from './pjrt/client';
import { dumpOptions, type XlaCompileOptions } from './pjrt/compileOptions';
import { compileOrLoad } from './programCache';
import { toStablehlo } from './stablehlo/toStablehlo';

type OnDevices = readonly DeviceTensor[];

/** A program that is compiled. */
export interface XlaProgram extends LoadedProgram<OnDevices> {
  /** With all of the state. */
  readonly memory: ProgramMemory | undefined;
  dispose(): void;
}

/** Of `state/params/...`: `params/...`. */
const pathOf = (name: string) => name.slice(name.indexOf('/') + 1);

/** XLA's own: on CPUs, the maximum of NaN and a number would be the number. */
const debugOptions = (platform: string, profile: string | undefined): XlaCompileOptions['debugOptions'] => ({
  ...(platform === 'cpu' ? { xla_cpu_enable_fast_min_max: false } : {}),
  ...dumpOptions(profile),
});

/** Inputs as tensors of devices: they travel while the run before is under way. */
function inputsOnDevices(
  trace: Trace,
  own: Trace,
  group: DeviceGroup,
  splitOf: (path: string) => number | undefined,
): InputCopies<OnDevices> {
  const giveBack = (tensors: ReadonlyMap<string, OnDevices>) => {
    for (const list of tensors.values()) group.free(list);
  };
  return {
    take(inputs) {
      const leaves = checkedLeaves(inputs, trace.inputs, 'input');
      const tensors = new Map<string, OnDevices>();
      try {
        for (const [path, spec] of own.inputs) {
          tensors.set(path, group.toDevices(numbersOf(get(leaves, path)), spec, splitOf(path)));
        }
      } catch (error) {
        giveBack(tensors);
        throw error;
      }
      return tensors;
    },
    giveBack,
    dispose() {},
  };
}

/** Compiles a traced step for devices, over a state that is there. */
export async function loadProgram(
  group: DeviceGroup,
  trace: Trace,
  state: DeviceState,
  { profile, programCache, precision = 'fp32' }: XlaOptions & { readonly precision?: Precision },
): Promise<XlaProgram> {
  const { client, devices } = group;
  if (precision === 'tf32' && client.platform !== 'cuda') {
    throw new Error(`The device '${client.platform}' has no precision 'tf32'. Precisions: fp32, bf16.`);
  }
  const own = withElements(trace);
  const { graph } = own;
  const inputNames = [...graph.inputs.keys()];
  const outputNames = [...graph.outputs.keys()];
  const inputSplit = (path: string) => {
    const [batch] = get(own.inputs, path).shape;
    return batch === undefined ? undefined : group.evenAxis([batch]);
  };
  const { text, checks, overwritten } = toStablehlo(graph, {
    platform: client.platform,
    precision,
    numDevices: devices.length,
    splitOf: (name) => {
      if (name.startsWith('inputs/')) return inputSplit(pathOf(name));
      return name.startsWith('outputs/') ? undefined : state.splitOf(pathOf(name));
    },
  });
  const executable = await compileOrLoad(
    client,
    text,
    { devices: devices.map(({ id }) => id), debugOptions: debugOptions(client.platform, profile) },
    // What is written for a profile is written when a program is compiled.
    profile === undefined ? programCache : false,
  ).catch((error: unknown) => {
    throw explained(error, client, devices);
  });

  /** The state that the program does not read is on the device as well. */
  function withOtherState(own: ProgramMemory | undefined): ProgramMemory | undefined {
    const read = new Set(inputNames.filter((name) => name.startsWith('state/')).map(pathOf));
    const beside = state.bytesBeside(read);
    return own && { ...own, arguments: own.arguments + beside, peak: own.peak + beside };
  }

  const memory = withOtherState(executable.memory());
  return {
    trace,
    memory,
    copies: inputsOnDevices(trace, own, group, inputSplit),
    async run(given) {
      state.assertThere();
      const inputs = inputNames.map((name) =>
        get(name.startsWith('state/') ? state.current : given, pathOf(name)),
      );
      const made = await executable
        .run(devices.map((_, i) => inputs.map((tensors) => at(tensors, i))))
        .catch((error: unknown) => {
          state.lose(overwritten);
          throw explained(error, client, devices, memory);
        });
      const outputs = Array.from({ length: executable.numOutputs }, (_, i) =>
        made.map((list) => at(list, i)),
      );
      const arrays = new Map<string, HostArray>();
      const toRead = new Map<string, OnDevices>();
      outputNames.forEach((name, i) => {
        if (name.startsWith('next/')) state.replace(pathOf(name), at(outputs, i));
        else toRead.set(name, at(outputs, i));
      });
      const bounds = outputs[outputNames.length];
      try {
        for (const [name, tensors] of toRead) {
          arrays.set(pathOf(name), await group.fromDevices(tensors, get(graph.outputs, name), undefined));
        }
        if (bounds) {
          const spec = { dtype: 'int32', shape: [2 * checks.length] };
          assertIndices(checks, await group.fromDevices(bounds, spec, undefined), own.changed.length > 0);
        }
      } finally {
        for (const tensors of toRead.values()) group.free(tensors);
        group.free(bounds ?? []);
      }
      return (path) => arrays.get(path);
    },
    dispose: () => executable.dispose(),
  };
}
