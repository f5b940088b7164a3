/** Devices that work together: a tensor is whole on each, or each has a part along one axis. */
import { sizeOf } from '../../graph/graph';
import { at } from '../../graph/lists';
import type { HostArray } from '../alignedArray';
import { explained } from './outOfMemory';
import type { Client, Device, DeviceTensor } from './pjrt/client';

/** The axis along which a tensor is split over the devices; `undefined` where each has all of it. */
export type SplitAxis = number | undefined;
interface Described {
  readonly dtype: string;
  readonly shape: readonly number[];
}

export interface DeviceGroup {
  readonly client: Client;
  readonly devices: readonly Device[];
  /** The first axis that the devices can share evenly; none where there is one device. */
  evenAxis(shape: readonly number[]): SplitAxis;
  /** Copies numbers to the devices: a tensor for each. */
  toDevices(data: HostArray, spec: Described, axis: SplitAxis): DeviceTensor[];
  /** The numbers of a tensor, put together. */
  fromDevices(tensors: readonly DeviceTensor[], spec: Described, axis: SplitAxis): Promise<HostArray>;
  free(tensors: readonly DeviceTensor[]): void;
}

export function deviceGroup(client: Client, devices: readonly Device[]): DeviceGroup {
  const count = devices.length;
  const free = (tensors: readonly DeviceTensor[]) => {
    for (const tensor of tensors) client.free(tensor);
  };
  return {
    client,
    devices,
    free,
    evenAxis(shape) {
      const axis = count > 1 ? shape.findIndex((dim) => dim > 0 && dim % count === 0) : -1;
      return axis < 0 ? undefined : axis;
    },
    toDevices(data, { dtype, shape }, axis) {
      const numbers = isShared(data) ? data.slice() : data;
      const partShape = shape.map((dim, i) => (i === axis ? dim / count : dim));
      const tensors: DeviceTensor[] = [];
      try {
        for (const [i, device] of devices.entries()) {
          const part = axis === undefined ? numbers : partOf(numbers, shape, axis, i, count);
          tensors.push(client.toDevice(part, dtype, partShape, device));
        }
      } catch (error) {
        free(tensors);
        throw explained(error, client, devices);
      }
      return tensors;
    },
    async fromDevices(tensors, { dtype, shape }, axis) {
      const whole = arrayOf(dtype, sizeOf(shape));
      if (axis === undefined) {
        await client.toHost(at(tensors, 0), whole);
        return whole;
      }
      const { rows, length } = rowsOf(shape, axis, count);
      for (const [index, tensor] of tensors.entries()) {
        const part =
          rows === 1 ? whole.subarray(index * length, (index + 1) * length) : arrayOf(dtype, rows * length);
        await client.toHost(tensor, part);
        if (rows === 1) continue;
        for (let row = 0; row < rows; row++) {
          whole.set(part.subarray(row * length, (row + 1) * length), (row * count + index) * length);
        }
      }
      return whole;
    },
  };
}

/** Memory that workers share, of whatever realm: its address is told nowhere. */
const isShared = ({ buffer }: HostArray) =>
  Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]';

const arrayOf = (dtype: string, length: number): HostArray => {
  if (dtype === 'float32') return new Float32Array(length);
  return dtype === 'int32' ? new Int32Array(length) : new Uint8Array(length);
};

/** Rows of all axes before the split one, and the elements in each that belong to one device. */
const rowsOf = (shape: readonly number[], axis: number, count: number) => ({
  rows: sizeOf(shape.slice(0, axis)),
  length: sizeOf(shape.slice(axis)) / count,
});

/** The part of one of `count` devices; where it lies in one piece, it is not copied. */
function partOf(
  data: HostArray,
  shape: readonly number[],
  axis: number,
  index: number,
  count: number,
): HostArray {
  const { rows, length } = rowsOf(shape, axis, count);
  const piece = (row: number) =>
    data.subarray((row * count + index) * length, (row * count + index + 1) * length);
  if (rows === 1) return piece(0);
  const part = data.slice(0, rows * length);
  for (let row = 0; row < rows; row++) part.set(piece(row), row * length);
  return part;
}
