/**
 * Windows taken apart: a pool over windows of [3, 3] is one elementwise pass over nine views of the image, each made of
 * one place of every window. Slower than an engine's own pool, but in elementwise ops alone, so that it means the same
 * everywhere and has a gradient.
 */
import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import { at } from '../graph/lists';
import { reshape } from './kernelParts';
import type { Windows } from './windows';

/** Places in a window, the last axis fastest, as TensorFlow.js scans it. */
export function placesOf(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (places, size) => places.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i])),
    [[]],
  );
}

/**
 * The values [N, C, ...counts] that every window has at each of its places, of an image [N, C, ...space] that is
 * cropped already; `pad` where it hangs over the image.
 */
export function taps(b: GraphBuilder, image: Value, windows: Omit<Windows, 'crop'>, pad: number): Value[] {
  const { kernel, strides, dilations, pads, counts } = windows;
  const axes = kernel.length;
  const wide = pads.some((n) => n > 0)
    ? b.emit('Pad', [image], {
        before: [0, 0, ...pads.slice(0, axes)],
        after: [0, 0, ...pads.slice(axes)],
        value: pad,
      })
    : image;
  const [n, c] = [at(image.shape, 0), at(image.shape, 1)];
  return placesOf(kernel).map((place) =>
    b.emit('Slice', [wide], {
      begin: [0, 0, ...place.map((step, i) => step * at(dilations, i))],
      size: [n, c, ...counts.map((count, i) => (count - 1) * at(strides, i) + 1)],
      strides: [1, 1, ...strides],
    }),
  );
}

/**
 * What every window gives to each of its places, `values` [N, C, ...counts] in the order of `placesOf`, added up at the
 * pixels of the image [N, C, ...space]: the gradient of `taps`.
 *
 * One axis after the other, the last one first. The same value for all places gives the same node, emitted once.
 */
export function spread(
  b: GraphBuilder,
  values: readonly Value[],
  windows: Windows,
  space: readonly number[],
): Value {
  let parts = values;
  for (let axis = space.length - 1; axis >= 0; axis--) {
    const size = at(windows.kernel, axis);
    parts = Array.from({ length: parts.length / size }, (_, i) =>
      spreadAlong(b, parts.slice(i * size, (i + 1) * size), windows, axis, at(space, axis)),
    );
  }
  return at(parts, 0);
}

/** `spread` along one axis of the image: `parts` are what the places of the windows get along it. */
function spreadAlong(
  b: GraphBuilder,
  parts: readonly Value[],
  { strides, dilations, pads }: Windows,
  axis: number,
  size: number,
): Value {
  const [stride, dilation, before] = [at(strides, axis), at(dilations, axis), at(pads, axis)];
  const along = axis + 2;
  const only = <T>(value: T, rest: T) => at(parts, 0).shape.map((_, i) => (i === along ? value : rest));
  const padded = (x: Value, front: number, back: number) =>
    front === 0 && back === 0
      ? x
      : b.emit('Pad', [x], { before: only(front, 0), after: only(back, 0), value: 0 });

  // A place that lies `inside` pixels into its window meets the pixels of one phase, `inside` modulo the stride, only.
  const last = Math.floor(((parts.length - 1) * dilation) / stride);
  const phases = Array.from({ length: stride }, (_, phase) => {
    const met = parts.flatMap((part, place) => {
      const inside = place * dilation;
      const shift = Math.floor(inside / stride);
      return inside % stride === phase ? [padded(part, shift, last - shift)] : [];
    });
    return met.length > 0 ? met.reduce((sum, x) => b.emit('Add', [sum, x])) : undefined;
  });
  const first = at(phases, 0);
  const nothing = b.emit('Broadcast', [b.scalar(0)], { shape: first.shape });
  const length = at(first.shape, along) * stride;
  const column = [...first.shape.slice(0, along + 1), 1, ...first.shape.slice(along + 1)];
  const whole =
    stride === 1
      ? first
      : reshape(
          b,
          b.emit(
            'Concat',
            phases.map((phase) => reshape(b, phase ?? nothing, column)),
            { axis: along + 1 },
          ),
          first.shape.map((dim, i) => (i === along ? length : dim)),
        );
  // Pixels of the padding fall away, and those behind the last window have nothing.
  const end = Math.min(length, before + size);
  const inside =
    before === 0 && end === length
      ? whole
      : b.emit('Slice', [whole], {
          begin: only(before, 0),
          size: whole.shape.map((dim, i) => (i === along ? end - before : dim)),
          strides: whole.shape.map(() => 1),
        });
  return padded(inside, 0, size - (end - before));
}
