import type { WindowSteps } from '../../graph/ops';

/** How a window of a convolution or a pool moves, in OpenVINO's attributes. */
export const windowAttributes = ({ strides, pads }: WindowSteps) => ({
  strides,
  pads_begin: pads.slice(0, pads.length / 2),
  pads_end: pads.slice(pads.length / 2),
  auto_pad: 'explicit',
});
