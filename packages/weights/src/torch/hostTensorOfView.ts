import { type HostTensor, sizeOf, zeros } from '@beit/tensors';
import type { StoredView } from './pickleValue';

/** Whether the elements lie one after the other, row-major; sides of 1 have no say. */
export function isContiguous({ shape, strides }: StoredView): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

/** First and last element that a view takes from its storage, as `[begin, end)`. */
export function extentOf({ offset, shape, strides }: StoredView): [begin: number, end: number] {
  if (sizeOf(shape) === 0) return [offset, offset];
  return [offset, shape.reduce((last, side, axis) => last + (side - 1) * strides[axis]!, offset) + 1];
}

/**
 * A view as a tensor of its own.
 *
 * @param elements a run of the storage, `[count]`
 * @param begin which element of the storage is the first of it
 * @returns a tensor that shares the memory of `elements` if it lies there contiguously, or a copy that does
 */
export function hostTensorOfView(view: StoredView, elements: HostTensor, begin: number): HostTensor {
  const { shape, strides } = view;
  const { dtype, data } = elements;
  const size = sizeOf(shape);
  const start = view.offset - begin;
  if (size === 0) return { dtype, shape, data: data.slice(0, 0) };
  if (isContiguous(view)) return { dtype, shape, data: data.subarray(start, start + size) };
  const { data: copy } = zeros(shape, dtype);
  const index = new Array<number>(shape.length).fill(0);
  let from = start;
  for (let i = 0; i < size; i++) {
    copy[i] = data[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return { dtype, shape, data: copy };
}
