import { flattenTree, type HostTensor, mapTree, type Tree } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import type { TfjsOptions } from '../../compileOptions';
import { get } from '../../graph/lists';
import { numbersAs } from '../../numbersAs';
import { cleanedUp } from '../../record/cleanedUp';
import { groupsOf, isPath, isTensor, type SpecTree } from '../../specTree';
import { stepResult } from '../../stepResult';
import type { GivenTensor } from '../../types';
import { callQueue } from '../callQueue';
import { checkedLeaves, numbersOf } from '../checkedLeaves';
import type { EagerStep, HostPrograms } from '../engine';
import { sentInputs } from '../sentInputs';
import { completeWasmBackend } from './wasm/completeWasmBackend';

/** Steps run op by op on a TensorFlow.js backend, with their state kept as tensors there. */
export async function tfjsPrograms(
  steps: ReadonlyMap<string, EagerStep>,
  stateTree: SpecTree,
  initialState: Tree<GivenTensor>,
  { backend }: TfjsOptions,
): Promise<HostPrograms> {
  if (backend === undefined) await tf.ready();
  const name = backend ?? tf.getBackend();
  await startBackend(name);
  if (name === 'wasm') completeWasmBackend();
  // Started, it is the current one as soon as this is called: nothing else can come in between.
  const useBackend = () => void tf.setBackend(name);

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
  const read = async (
    tensors: Tensors,
    form: Tree<string>,
    copies: (tensor: tf.Tensor) => boolean = () => false,
  ): Promise<Tree<HostTensor>> => {
    const arrays = new Map<string, HostTensor>();
    for (const path of flattenTree<string>(form, isPath).map(([, path]) => path)) {
      const t = get(tensors, path);
      const copied = copies(t);
      const numbers = numbersAs(t.dtype, await t.data()) as HostTensor['data'];
      const data = copied ? numbers.slice() : numbers;
      const dtype = t.dtype === 'bool' ? 'uint8' : (t.dtype as 'float32');
      arrays.set(path, { dtype, shape: t.shape, data });
    }
    return mapTree(form, isPath, (path) => get(arrays, path));
  };

  const state = entered(checkedLeaves(initialState, stateTree.specs, 'state'));

  /** The step's outputs, as tensors to be disposed. The state moves on. */
  function runStep({ step, inputs }: EagerStep, given: Tensors): { outputs: Tensors; form: Tree<string> } {
    const next: Tensors = new Map();
    const outputs: Tensors = new Map();
    try {
      // Clones, so that a step may return what it got, and the old state can go whatever the new one shares with it.
      const form = cleanedUp(() =>
        tf.tidy(() => {
          const returned = explained(name, () =>
            step(treeOf(state, stateTree.form), treeOf(given, inputs.form)),
          );
          const result = stepResult(returned, stateTree.specs);
          for (const [path, tensor] of result.state) next.set(path, tf.keep(tf.clone(tensor)));
          return mapTree<tf.Tensor, string>(result.outputs, isTensor, (tensor, path) => {
            outputs.set(path, tf.keep(tf.clone(tensor)));
            return path;
          });
        }),
      );
      disposeAll(state);
      for (const [path, tensor] of next) state.set(path, tensor);
      return { outputs, form };
    } catch (error) {
      disposeAll(next);
      disposeAll(outputs);
      throw error;
    }
  }

  const calls = callQueue();
  const sent = new Map(
    [...steps].map(([program, { inputs }]) => [
      program,
      sentInputs(
        (given: Tree<GivenTensor>) => entered(checkedLeaves(given, inputs.specs, 'input')),
        disposeAll,
      ),
    ]),
  );
  return {
    send: (program, inputs) => get(sent, program).send(inputs),
    run: (program, inputs) => {
      const step = get(steps, program);
      return calls.callWith(
        () => get(sent, program).take(inputs),
        async (given) => {
          useBackend();
          let ran: ReturnType<typeof runStep>;
          try {
            ran = runStep(step, given);
          } finally {
            disposeAll(given);
          }
          try {
            return await read(ran.outputs, ran.form, isShared);
          } finally {
            disposeAll(ran.outputs);
          }
        },
      );
    },
    readState: (groups) => calls.call(async () => read(state, groupsOf(stateTree, groups).form)),
    writeState: (next, part) =>
      calls.callWith(
        () => {
          const { specs } = groupsOf(stateTree, part === 'all' ? undefined : Object.keys(next));
          return entered(checkedLeaves(next, specs, 'state'));
        },
        async (given) => {
          for (const [path, tensor] of given) {
            state.get(path)?.dispose();
            state.set(path, tensor);
          }
        },
      ),
    dispose: () =>
      calls.dispose(async () => {
        for (const inputs of sent.values()) inputs.dispose();
        disposeAll(state);
      }),
  };
}

const treeOf = (tensors: Tensors, form: Tree<string>): Tree<tf.Tensor> =>
  mapTree(form, isPath, (path) => get(tensors, path));

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
