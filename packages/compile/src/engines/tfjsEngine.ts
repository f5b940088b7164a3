import type { HostTensor } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { isSpec, isTensor, specOf } from '../record/trace';
import { flattenTree, mapTree, type Tree } from '../tree';
import type { Step, TensorSpec } from '../types';
import { completeWasmBackend } from '../wasm/completeWasmBackend';
import { checkedLeaves } from './engine';

export interface TfjsOptions {
  /**
   * The TensorFlow.js backend: `cpu`, `wasm`, `webgl`, `webgpu`, `tensorflow`. Default: the one in use, or the one that
   * TensorFlow.js takes for the best.
   */
  readonly backend?: string;
}

/** The step run op by op on a TensorFlow.js backend, with its state kept as tensors there. */
export async function tfjsProgram(
  step: Step<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>>,
  initialState: Tree<HostTensor>,
  inputSpecs: Tree<TensorSpec>,
  { backend }: TfjsOptions,
) {
  if (backend === undefined) await tf.ready();
  const name = backend ?? tf.getBackend();
  await useBackend(name);
  if (name === 'wasm') completeWasmBackend();
  const specs = (tree: Tree<HostTensor> | Tree<TensorSpec>) =>
    new Map(
      flattenTree<HostTensor | TensorSpec>(tree, isSpec).map(([path, leaf]) => [path, specOf(leaf, path)]),
    );
  const stateSpecs = specs(initialState);
  const expectedInputs = specs(inputSpecs);

  const enter = (tree: Tree<HostTensor>): Tree<tf.Tensor> =>
    mapTree<HostTensor, tf.Tensor>(tree, isSpec, ({ data, shape, dtype }) =>
      tf.tensor(data.slice(), [...shape], dtype as 'float32' | 'int32'),
    );
  const leave = async (tree: Tree<tf.Tensor>): Promise<Tree<HostTensor>> => {
    const read = new Map<string, HostTensor>();
    for (const [path, t] of flattenTree<tf.Tensor>(tree, isTensor)) {
      const data = (await t.data()) as HostTensor['data'];
      read.set(path, { dtype: t.dtype === 'bool' ? 'uint8' : (t.dtype as 'float32'), shape: t.shape, data });
    }
    return mapTree<tf.Tensor, HostTensor>(tree, isTensor, (_, path) => read.get(path)!);
  };
  const disposeAll = (tree: Tree<tf.Tensor>) => {
    for (const [, t] of flattenTree<tf.Tensor>(tree, isTensor)) t.dispose();
  };

  checkedLeaves(initialState, stateSpecs, 'state');
  let state = enter(initialState);

  return {
    async run(inputs: Tree<HostTensor>): Promise<Tree<HostTensor>> {
      checkedLeaves(inputs, expectedInputs, 'input');
      await tf.setBackend(name);
      // Clones, so that a step may return what it got, and the old state can go whatever the new one shares with it.
      const result = tf.tidy(() => {
        const { state: next, outputs } = explained(name, () => step(state, enter(inputs)));
        const cloned = (tree: Tree<tf.Tensor>) =>
          mapTree<tf.Tensor, tf.Tensor>(tree, isTensor, (t) => tf.clone(t));
        return { state: cloned(next), outputs: cloned(outputs) } as unknown as tf.TensorContainerObject;
      }) as unknown as { state: Tree<tf.Tensor>; outputs: Tree<tf.Tensor> };
      disposeAll(state);
      state = result.state;
      const outputs = await leave(result.outputs);
      disposeAll(result.outputs);
      return outputs;
    },
    readState: () => leave(state),
    async writeState(next: Tree<HostTensor>): Promise<void> {
      checkedLeaves(next, stateSpecs, 'state');
      await tf.setBackend(name);
      disposeAll(state);
      state = enter(next);
    },
    async dispose(): Promise<void> {
      disposeAll(state);
    },
  };
}

/** What it takes to have a backend. */
const NEEDS: Readonly<Record<string, string>> = {
  wasm: "import '@tensorflow/tfjs-backend-wasm' first",
  webgl: 'it needs a browser with WebGL',
  webgpu: "it needs a browser with WebGPU; import '@tensorflow/tfjs-backend-webgpu' first",
};

async function useBackend(name: string): Promise<void> {
  if (!tf.findBackendFactory(name)) {
    throw new Error(`TensorFlow.js has no backend '${name}' here${name in NEEDS ? `: ${NEEDS[name]}` : ''}.`);
  }
  if (!(await tf.setBackend(name))) {
    throw new Error(
      `TensorFlow.js could not start its backend '${name}'; without tf.enableProdMode() the console says why.`,
    );
  }
}

/** Runs a step, and says what to do about an op that the backend does not have. */
function explained<R>(backend: string, run: () => R): R {
  try {
    return run();
  } catch (cause) {
    const [, kernel] = /^Kernel '(\w+)' not registered for backend/.exec((cause as Error)?.message) ?? [];
    if (kernel === undefined) throw cause;
    throw new Error(
      `TensorFlow.js's backend '${backend}' can't compute '${kernel}', which the step needs. Take another backend, such ` +
        'as cpu, or another engine.',
      { cause },
    );
  }
}
