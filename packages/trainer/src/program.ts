import { flattenTensors, type HostTensor, type Program, type Tree } from '@beit/tensors';

/**
 * What the loop needs of a training program; those of `@beit/compile` have this form. `run` makes one step from the
 * inputs of type `I` and gives outputs, of which the scalars (shape `[]`) are logged; `loss` and `gradNorm` are watched.
 */
export interface TrainingProgram<I> extends Program<Tree<HostTensor>, I, Tree<HostTensor>> {
  /**
   * The groups of the state that every process of a job keeps whole, where the others are spread over them. Then
   * all call `readState` together, and the first one gets the whole state, the others these groups and their parts.
   * Default: all groups.
   */
  readonly replicated?: readonly string[];
}

/** The scalars (shape `[]`) among the leaves as numbers, by path. */
export function scalarsOf(tree: Tree<HostTensor>): Record<string, number> {
  const scalars = Object.entries(flattenTensors(tree)).filter(([, { shape }]) => shape.length === 0);
  return Object.fromEntries(scalars.map(([path, { data }]) => [path, Number(data[0])]));
}
