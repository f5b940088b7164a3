import type { Attributes } from '../graph/graph';
import { numbers } from '../graph/ops';

/** How a window of a convolution or a pool moves, in OpenVINO's attributes. */
export function windowAttributes(a: Attributes) {
  const pads = numbers(a, 'pads');
  return {
    strides: numbers(a, 'strides'),
    pads_begin: pads.slice(0, pads.length / 2),
    pads_end: pads.slice(pads.length / 2),
    auto_pad: 'explicit',
  };
}
