import { BUCKET_BYTES, partition } from '@beit/trainer';
import { parameterShapes, resolveVitConfig, type VitConfig } from '@beit/vit';

type Shapes = Readonly<Record<string, { readonly shape: readonly number[] }>>;

/** The shapes of what pre-training trains: the encoder, and what `createMim` adds. */
export function pretrainShapes(model: VitConfig, vocabSize: number): Shapes {
  const { embedDim: dim } = model;
  const all = {
    ...parameterShapes(resolveVitConfig(model)),
    mask_token: [1, 1, dim],
    'norm.weight': [dim],
    'norm.bias': [dim],
    'lm_head.weight': [vocabSize, dim],
    'lm_head.bias': [vocabSize],
  };
  return Object.fromEntries(Object.entries(all).map(([name, shape]) => [name, { shape }]));
}

export interface StateBytes {
  readonly parameters: number;
  /** What each process holds of numbers as many as parameters, when it updates all of them. */
  readonly whole: number;
  /** And with a part of the optimizer's state: the process with the largest part. */
  readonly sharded: number;
}

/**
 * The memory that training takes for parameters, gradients and optimizer in each of several processes. Both ways the
 * first half of a step has the parameters and the sum of their gradients. The second half has averaged gradients, parameters
 * and two moments, and gives new parameters out, which are copied once: six numbers for each of its parameters. Sharded ones go from process to
 * process in two buckets.
 */
export function stateBytes(shapes: Shapes, processes: number): StateBytes {
  const sizeOf = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + shapes[name]!.shape.reduce((a, b) => a * b, 1), 0);
  const parameters = sizeOf(Object.keys(shapes));
  const part = Math.max(...partition(shapes, processes).map(sizeOf));
  const bucket = Math.min(BUCKET_BYTES, 4 * part * processes);
  return { parameters, whole: 4 * 8 * parameters, sharded: 4 * (2 * parameters + 6 * part) + 2 * bucket };
}
