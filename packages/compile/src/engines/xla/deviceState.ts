import { sizeOf } from '../../graph/graph';
import { get } from '../../graph/lists';
import type { SpecTree } from '../../specTree';
import type { HostArray } from '../alignedArray';
import type { DeviceGroup, SplitAxis } from './deviceGroup';
import type { DeviceTensor } from './pjrt/client';

/** The state of programs on devices, by path. */
export interface DeviceState {
  readonly current: ReadonlyMap<string, readonly DeviceTensor[]>;
  splitOf(path: string): SplitAxis;
  /** Bytes on each device of what is not among these paths. */
  bytesBeside(paths: ReadonlySet<string>): number;
  /** Takes what a run made of a part of the state, in place of what it was given. */
  replace(path: string, next: readonly DeviceTensor[]): void;
  /** To be called when a run has failed that writes over these parts. */
  lose(paths: readonly string[]): void;
  /** @throws where a part is lost */
  assertThere(): void;
  read(paths: readonly string[]): Promise<ReadonlyMap<string, HostArray>>;
  write(numbers: ReadonlyMap<string, HostArray>): void;
  dispose(): void;
}

/** Of a number of the state: float32 or int32. */
const BYTES = 4;

/** The state's own group of a path: `params` of `params/patch_embed/weight`. */
const groupOf = (path: string) => path.split('/', 1)[0] ?? path;

/** @param split groups of the state of which each device keeps a part */
export function deviceState(group: DeviceGroup, { specs }: SpecTree, split: readonly string[]): DeviceState {
  const current = new Map<string, readonly DeviceTensor[]>();
  const lost = new Set<string>();
  const splitOf = (path: string) =>
    split.includes(groupOf(path)) ? group.evenAxis(get(specs, path).shape) : undefined;
  const free = (path: string) => group.free(current.get(path) ?? []);
  function assertThere(): void {
    if (lost.size === 0) return;
    throw new Error(
      'The state was lost when a run failed, which writes the next one over it: write it anew.',
    );
  }
  return {
    current,
    splitOf,
    bytesBeside(paths) {
      const sizes = [...specs].map(([path, { shape }]) => {
        const parts = splitOf(path) === undefined ? 1 : group.devices.length;
        return paths.has(path) ? 0 : (BYTES * sizeOf(shape)) / parts;
      });
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    replace(path, next) {
      free(path);
      current.set(path, next);
    },
    lose(paths) {
      for (const path of paths) lost.add(path);
    },
    assertThere,
    async read(paths) {
      assertThere();
      const arrays = new Map<string, HostArray>();
      for (const path of paths) {
        const held = current.get(path);
        if (held) arrays.set(path, await group.fromDevices(held, get(specs, path), splitOf(path)));
      }
      return arrays;
    },
    write(numbers) {
      for (const [path, data] of numbers) {
        if (data.length === 0) continue;
        // Freed first: there may be no memory for both.
        free(path);
        current.delete(path);
        lost.add(path);
        current.set(path, group.toDevices(data, get(specs, path), splitOf(path)));
        lost.delete(path);
      }
    },
    dispose() {
      for (const path of current.keys()) free(path);
    },
  };
}
