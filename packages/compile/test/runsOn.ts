import {
  assertHostTensor,
  flattenTensors,
  type HostTensor,
  messageOf,
  type NamedTensors,
  type Step,
  type TensorSpec,
  type Tree,
  type TreeOf,
} from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { compile, type EngineName } from '../src';

tf.enableProdMode();

type Tensors = Tree<tf.Tensor>;

/** A step, the state it begins with, and the inputs of each of its runs. */
export interface Runs<S, I, O> {
  readonly step: Step<S, I, O>;
  readonly state: TreeOf<S, HostTensor>;
  readonly inputs: readonly TreeOf<I, HostTensor>[];
}

/** How `runsOn` names what it finds. */
export const nameOf = (run: number, kind: 'output' | 'state', path: string): string =>
  `run ${run}, ${kind} ${path}`;

/**
 * What each run of a step puts out, and the state after it, by name; on `tfjs`, as its `cpu` backend computes it.
 *
 * @throws where a tensor's dtype, shape and data do not agree
 */
export async function runsOn<S extends Tensors, I extends Tensors, O extends Tensors>(
  engine: EngineName,
  { step, state, inputs }: Runs<S, I, O>,
): Promise<NamedTensors> {
  const backend = engine === 'tfjs' ? { backend: 'cpu' } : {};
  const specs = inputs[0] as TreeOf<I, TensorSpec>;
  const options = { engine, numThreads: 1, programCache: false, ...backend } as const;
  const program = await compile(step, { state, inputs: specs }, options);
  const results: NamedTensors = {};
  const add = (run: number, kind: 'output' | 'state', tree: unknown) => {
    for (const [path, tensor] of Object.entries(flattenTensors(tree as Tree<HostTensor>))) {
      const name = nameOf(run, kind, path);
      assertHostTensor(name, tensor);
      results[name] = { ...tensor, data: tensor.data.slice() };
    }
  };
  try {
    for (const [run, given] of inputs.entries()) {
      add(run, 'output', await program.run(given));
      add(run, 'state', await program.readState());
    }
  } finally {
    await program.dispose();
  }
  return results;
}

/** What a check finds on some engines, by engine: nothing where nothing is wrong. */
export async function foundOn(
  engines: readonly EngineName[],
  check: (engine: EngineName) => Promise<string | undefined>,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const engine of engines) {
    const wrong = await check(engine).catch(messageOf);
    if (wrong !== undefined) found[engine] = wrong;
  }
  return found;
}
