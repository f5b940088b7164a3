import type { Attributes } from '../graph/graph';
import { numbers } from '../graph/ops';

/** How a window of a convolution or a pool moves, in OpenVINO's attributes. Pads are [top, left, bottom, right]. */
export function windowAttributes(a: Attributes) {
  const [top, left, bottom, right] = numbers(a, 'pads') as [number, number, number, number];
  return {
    strides: numbers(a, 'strides'),
    pads_begin: [top, left],
    pads_end: [bottom, right],
    auto_pad: 'explicit',
  };
}
