import type { HostTensor, Step, TensorSpec } from '@beit/tensors';
import { mapTree, type Tree } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { numbersAs } from '../numbersAs';
import { cleanedUp } from '../record/cleanedUp';
import { isPath, isTensor, specTree } from '../specTree';
import { stepResult } from '../stepResult';
import type { GivenTensor } from '../types';
import { completeWasmBackend } from '../wasm/completeWasmBackend';
import { callQueue } from './callQueue';
import { checkedLeaves, numbersOf } from './checkedLeaves';

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
  initialState: Tree<GivenTensor>,
  inputSpecs: Tree<TensorSpec | GivenTensor>,
  { backend }: TfjsOptions,
) {
  if (backend === undefined) await tf.ready();
  const name = backend ?? tf.getBackend();
  await startBackend(name);
  if (name === 'wasm') completeWasmBackend();
  // Started, it is the current one as soon as this is called: nothing else can come in between.
  const useBackend = () => void tf.setBackend(name);
  const stateTree = specTree(initialState, 'state');
  const inputTree = specTree(inputSpecs, 'input');

  /** Tensors with the numbers as they are now, to be disposed. */
  const entered = (leaves: ReadonlyMap<string, GivenTensor>): Tensors => {
    useBackend();
    return new Map(
      [...leaves].map(([path, leaf]) => {
        const tensor =
          isTensor(leaf) && isHere(leaf)
            ? tf.clone(leaf)
            : tf.tensor(ownCopy(leaf), [...leaf.shape], leaf.dtype as 'float32' | 'int32');
        // Whatever scope `run` may be called in.
        return [path, tf.keep(tensor)] as const;
      }),
    );
  };
  const treeOf = (tensors: Tensors, form: Tree<string>) =>
    mapTree(form, isPath, (path) => tensors.get(path)!);
  const read = async (
    tensors: Tensors,
    form: Tree<string>,
    copies: (tensor: tf.Tensor) => boolean = () => false,
  ): Promise<Tree<HostTensor>> => {
    const arrays = new Map<string, HostTensor>();
    for (const [path, t] of tensors) {
      const copied = copies(t);
      const numbers = numbersAs(t.dtype, await t.data()) as HostTensor['data'];
      const data = copied ? numbers.slice() : numbers;
      arrays.set(path, {
        dtype: t.dtype === 'bool' ? 'uint8' : (t.dtype as 'float32'),
        shape: t.shape,
        data,
      });
    }
    return mapTree(form, isPath, (path) => arrays.get(path)!);
  };

  let state = entered(checkedLeaves(initialState, stateTree.specs, 'state'));

  const calls = callQueue();
  return {
    run: (inputs: Tree<GivenTensor>): Promise<Tree<HostTensor>> =>
      calls.callWith(
        () => entered(checkedLeaves(inputs, inputTree.specs, 'input')),
        async (given) => {
          useBackend();
          const next: Tensors = new Map();
          const outputs: Tensors = new Map();
          let outputTree: Tree<string> = {};
          try {
            // Clones, so that a step may return what it got, and the old state can go whatever the new one shares with it.
            cleanedUp(() =>
              tf.tidy(() => {
                const returned = explained(name, () =>
                  step(treeOf(state, stateTree.form), treeOf(given, inputTree.form)),
                );
                const result = stepResult(returned, stateTree.specs);
                for (const path of stateTree.specs.keys())
                  next.set(path, tf.keep(tf.clone(result.state.get(path)!)));
                outputTree = mapTree<tf.Tensor, string>(result.outputs, isTensor, (t, path) => {
                  outputs.set(path, tf.keep(tf.clone(t)));
                  return path;
                });
              }),
            );
          } catch (error) {
            disposeAll(next);
            disposeAll(outputs);
            throw error;
          } finally {
            disposeAll(given);
          }
          disposeAll(state);
          state = next;
          try {
            return await read(outputs, outputTree, isShared);
          } finally {
            disposeAll(outputs);
          }
        },
      ),
    readState: (): Promise<Tree<HostTensor>> => calls.call(() => read(state, stateTree.form)),
    writeState: (next: Tree<GivenTensor>): Promise<void> =>
      calls.callWith(
        () => entered(checkedLeaves(next, stateTree.specs, 'state')),
        async (given) => {
          disposeAll(state);
          state = given;
        },
      ),
    dispose: (): Promise<void> => calls.dispose(async () => disposeAll(state)),
  };
}

/** By path. */
type Tensors = Map<string, tf.Tensor>;

const disposeAll = (tensors: Tensors): void => {
  for (const tensor of tensors.values()) tensor.dispose();
};

/** Copies into an array of this realm: TensorFlow.js knows no other as one of its own. */
const ownCopy = (leaf: GivenTensor): Float32Array | Int32Array =>
  leaf.dtype === 'float32' ? new Float32Array(numbersOf(leaf)) : new Int32Array(numbersOf(leaf));

/** Whether others have the same numbers: the state, an input, another output. The `cpu` backend hands out its own memory. */
const isShared = (tensor: tf.Tensor): boolean =>
  (tf.engine().state.tensorInfo.get(tensor.dataId)?.backend.refCount(tensor.dataId) ?? 2) > 1;

/** Backends count who shares the data of their own tensors alone. */
const isHere = (tensor: tf.Tensor): boolean =>
  tf.engine().state.tensorInfo.get(tensor.dataId)?.backend === tf.backend();

/** What it takes to have a backend. */
const NEEDS: Readonly<Record<string, string>> = {
  wasm: "import '@tensorflow/tfjs-backend-wasm' first",
  webgl: 'it needs a browser with WebGL',
  webgpu: "it needs a browser with WebGPU; import '@tensorflow/tfjs-backend-webgpu' first",
};

async function startBackend(name: string): Promise<void> {
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
