import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import { BINDING, engineFolder, isThere, type LoadingGuard, TFJS_SYMBOL } from '@beit/installed';
import type { Tree } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import type { SpecTree } from '../../specTree';
import type { GivenTensor } from '../../types';
import type { EagerEngine, EagerStep, HostPrograms } from '../engine';
import { doneWhenRun, guardLoading } from '../guardLoading';
import { tfjsPrograms } from '../tfjs/tfjsPrograms';

export type TensorflowEngineName = 'tensorflow' | 'tensorflow-gpu';

/** The name under which tfjs-node's kernels are registered, with and without a GPU. */
const BACKEND = 'tensorflow';

/** The TensorFlow that can be used here, of which a process can load one; where both are installed, that for GPUs. */
async function availableTensorflow(): Promise<TensorflowEngineName | undefined> {
  if (loaded !== undefined) return loaded;
  if (await isThere('tensorflow-gpu')) return 'tensorflow-gpu';
  return broughtAlong() || (await isThere('tensorflow')) ? 'tensorflow' : undefined;
}

/** The program imported `@tensorflow/tfjs-node` or `@tensorflow/tfjs-node-gpu` itself. */
const broughtAlong = () => loaded === undefined && tf.findBackendFactory(BACKEND) !== null;

/**
 * Makes TensorFlow.js's native backend, `tensorflow`, the current one, for `compile` and for any other use of
 * TensorFlow.js: what `beit-engine install tensorflow [--gpu]` made, or the `@tensorflow/tfjs-node(-gpu)` that the
 * program imported before. `tensorflow-gpu` warns and computes on the CPU where TensorFlow finds no NVIDIA GPU.
 *
 * @throws when it is not installed, is damaged, or the other one is already loaded
 */
export async function useTensorflow(name: TensorflowEngineName): Promise<void> {
  if (!broughtAlong()) {
    if (!(await isThere(name))) {
      const flag = name === 'tensorflow-gpu' ? ' --gpu' : '';
      throw new Error(`The engine '${name}' is not installed: npx @beit/engines install tensorflow${flag}`);
    }
    if (loaded !== name) {
      const folder = join(engineFolder(name), 'tensorflow');
      const libraries = (await readdir(folder).catch(() => [])).filter((file) => /^libtensorflow/.test(file));
      guard = await guardLoading({
        installed: name,
        libraries: [join(folder, BINDING), ...libraries.map((file) => join(folder, file))],
      });
      await guard.attempt(() => load(name));
    }
  }
  await (guard ? guard.attempt(() => tf.setBackend(BACKEND)) : tf.setBackend(BACKEND));
  const { isUsingGpuDevice } = tf.backend() as tf.KernelBackend & { isUsingGpuDevice?: boolean };
  if (name === 'tensorflow-gpu' && !isUsingGpuDevice && !warned) {
    warned = true;
    console.warn(
      "TensorFlow finds no NVIDIA GPU here (does nvidia-smi list it?): 'tensorflow-gpu' computes on the CPU, slowly.",
    );
  }
}

let warned = false;
/** Of the installed engine that is loaded. */
let guard: LoadingGuard | undefined;

/** TensorFlow, with or without a GPU, as the name says. */
export const tensorflow = (name: TensorflowEngineName): EagerEngine => ({
  find: async () => (await availableTensorflow()) === name,
  programs: (...given) => tensorflowPrograms(name, ...given),
});

/** Steps run op by op by TensorFlow, on a GPU where there is one, with their state kept there. */
async function tensorflowPrograms(
  name: TensorflowEngineName,
  steps: ReadonlyMap<string, EagerStep>,
  stateTree: SpecTree,
  state: Tree<GivenTensor>,
): Promise<HostPrograms> {
  await useTensorflow(name);
  const programs = await tfjsPrograms(steps, stateTree, state, { backend: BACKEND });
  return guard ? doneWhenRun(guard, programs) : programs;
}

/** The engine whose libraries are in this process: there can only be one. */
let loaded: TensorflowEngineName | undefined;

/** Loads the binding and registers tfjs-node's backend and kernels with the TensorFlow.js of this program. */
function load(name: TensorflowEngineName): void {
  if (loaded === name) return;
  if (loaded !== undefined) {
    throw new Error(`A process can use one TensorFlow: '${loaded}' is loaded, so '${name}' can't be.`);
  }
  const folder = engineFolder(name);
  restoreRemovedFunctions();
  // Warnings and errors, not every device and instruction set that was found.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1';
  const require = createRequire(join(folder, 'tfjs-node', 'package.json'));
  (globalThis as Record<symbol, unknown>)[Symbol.for(TFJS_SYMBOL)] = tf;
  // The package's own entry would look for the binding in its own folder, and bring more than the backend.
  const { NodeJSKernelBackend } = require('./dist/nodejs_kernel_backend.js') as {
    NodeJSKernelBackend: new (binding: unknown, packageName: string) => tf.KernelBackend;
  };
  require('./dist/register_all_kernels.js');
  const binding: unknown = require(join(folder, 'tensorflow', BINDING));
  tf.registerBackend(BACKEND, () => new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node'));
  loaded = name;
}

/** tfjs-node 4.22 uses two functions of Node's `util` that later Nodes deprecate (a warning) or no longer have. */
function restoreRemovedFunctions(): void {
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  });
}
