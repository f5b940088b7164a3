import { at } from './lists';
import type { Attributes } from './ops';

/** Where a slice begins, ends and how it steps, on the axes where it takes less than all. */
export function sliceBounds({ begin, size, strides }: Attributes<'Slice'>, shape: readonly number[]) {
  // Going backwards, the end before the first element is far below zero.
  const end = begin.map((start, i) => {
    const length = at(size, i);
    if (at(strides, i) > 0) return start + length;
    return start - length < 0 ? -(2 ** 31) : start - length;
  });
  const axes = [...begin.keys()].filter((i) => begin[i] !== 0 || end[i] !== shape[i] || strides[i] !== 1);
  const along = (list: readonly number[]) => axes.map((i) => at(list, i));
  return { axes, begin: along(begin), end: along(end), strides: along(strides) };
}
