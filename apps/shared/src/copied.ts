import type { NamedTensors } from '@beit/tensors';

/** With arrays of its own: those of a program's state are the engine's. */
export const copied = (tensors: NamedTensors): NamedTensors =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]),
  );
