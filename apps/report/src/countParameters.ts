import type { NamedTensors } from '@beit/tensors';

/** Numbers in all tensors. */
export const countParameters = (params: NamedTensors): number =>
  Object.values(params).reduce((sum, { data }) => sum + data.length, 0);
