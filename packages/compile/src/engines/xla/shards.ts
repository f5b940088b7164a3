/** Tensors that are on several devices: whole on each, or each with a part along one axis. */
import type { TensorSpec } from '@beit/tensors';
import { sizeOf } from '../../graph/graph';
import { at } from '../../graph/lists';
import type { HostArray } from '../alignedArray';
import type { Client, Device, DeviceTensor } from './pjrt/client';

/** The axis along which a tensor is split over the devices; `undefined` where each has all of it. */
export type SplitAxis = number | undefined;

/** The first axis that `count` devices can share evenly. */
export const evenAxis = ({ shape }: Pick<TensorSpec, 'shape'>, count: number): SplitAxis => {
  const axis = count > 1 ? shape.findIndex((dim) => dim > 0 && dim % count === 0) : -1;
  return axis < 0 ? undefined : axis;
};

export const partShape = (shape: readonly number[], axis: SplitAxis, count: number): number[] =>
  shape.map((dim, i) => (i === axis ? dim / count : dim));

/** Rows of all axes before the split one, and the elements in each that belong to one device. */
const rowsOf = (shape: readonly number[], axis: number, count: number) => ({
  rows: sizeOf(shape.slice(0, axis)),
  length: sizeOf(shape.slice(axis)) / count,
});

/** The part of one of `count` devices; where it lies in one piece, it is not copied. */
function partOf(
  data: HostArray,
  shape: readonly number[],
  axis: SplitAxis,
  index: number,
  count: number,
): HostArray {
  if (axis === undefined) return data;
  const { rows, length } = rowsOf(shape, axis, count);
  const piece = (row: number) =>
    data.subarray((row * count + index) * length, (row * count + index + 1) * length);
  if (rows === 1) return piece(0);
  const part = data.slice(0, rows * length);
  for (let row = 0; row < rows; row++) part.set(piece(row), row * length);
  return part;
}

/** Memory that workers share, of whatever realm: its address is told nowhere. */
const isShared = ({ buffer }: HostArray) =>
  Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]';

/** Copies numbers to devices. */
export function toDevices(
  client: Client,
  devices: readonly Device[],
  data: HostArray,
  { dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] },
  axis: SplitAxis,
): DeviceTensor[] {
  const part = partShape(shape, axis, devices.length);
  const numbers = isShared(data) ? data.slice() : data;
  return devices.map((device, i) =>
    client.toDevice(partOf(numbers, shape, axis, i, devices.length), dtype, part, device),
  );
}

const arrayOf = (dtype: string, length: number): HostArray => {
  if (dtype === 'float32') return new Float32Array(length);
  return dtype === 'int32' ? new Int32Array(length) : new Uint8Array(length);
};

/** The numbers of a tensor, put together. */
export async function fromDevices(
  client: Client,
  tensors: readonly DeviceTensor[],
  { dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] },
  axis: SplitAxis,
): Promise<HostArray> {
  const whole = arrayOf(dtype, sizeOf(shape));
  if (axis === undefined) {
    await client.toHost(at(tensors, 0), whole);
    return whole;
  }
  const count = tensors.length;
  const { rows, length } = rowsOf(shape, axis, count);
  await Promise.all(
    tensors.map(async (tensor, index) => {
      const part =
        rows === 1 ? whole.subarray(index * length, (index + 1) * length) : arrayOf(dtype, rows * length);
      await client.toHost(tensor, part);
      if (rows === 1) return;
      for (let row = 0; row < rows; row++) {
        whole.set(part.subarray(row * length, (row + 1) * length), (row * count + index) * length);
      }
    }),
  );
  return whole;
}
