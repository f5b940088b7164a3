import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import type { HostTensor } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { BINDING } from '../install/buildBinding';
import { engineFolder, installRecord } from '../install/installedEngine';
import { TFJS_SYMBOL } from '../install/installTensorflow';
import { here, type Surroundings } from '../install/surroundings';
import type { Tree } from '../tree';
import type { Step, TensorSpec } from '../types';
import { tfjsProgram } from './tfjsEngine';

export type TensorflowEngineName = 'tensorflow' | 'tensorflow-gpu';

/** The name under which tfjs-node's kernels are registered, with and without a GPU. */
const BACKEND = 'tensorflow';

/** TensorFlow.js's native engine, found but not loaded. */
export interface TensorflowLocation {
  readonly name: TensorflowEngineName;
  /** What `beit-engine install tensorflow` made; `undefined` where the program brought tfjs-node itself. */
  readonly folder: string | undefined;
}

/**
 * TensorFlow.js's native engine: the one that the program imported itself (`@tensorflow/tfjs-node` or
 * `@tensorflow/tfjs-node-gpu`), or what `beit-engine install tensorflow [--gpu]` made; `undefined` where there is none.
 */
export async function findTensorflow(
  name: TensorflowEngineName,
  surroundings: Surroundings = here(),
): Promise<TensorflowLocation | undefined> {
  if (loaded === undefined && tf.findBackendFactory(BACKEND)) return { name, folder: undefined };
  return (await installRecord(name, surroundings))
    ? { name, folder: engineFolder(name, surroundings) }
    : undefined;
}

/** The step run op by op by TensorFlow, on a GPU where there is one, with its state kept there. */
export async function tensorflowProgram(
  location: TensorflowLocation,
  step: Step<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>>,
  initialState: Tree<HostTensor>,
  inputSpecs: Tree<TensorSpec>,
) {
  if (location.folder !== undefined) load(location.folder);
  await tf.setBackend(BACKEND);
  const { isUsingGpuDevice } = tf.backend() as tf.KernelBackend & { isUsingGpuDevice?: boolean };
  if (location.name === 'tensorflow-gpu' && !isUsingGpuDevice) {
    console.warn(
      "TensorFlow sees no NVIDIA GPU here (does nvidia-smi list it?): 'tensorflow-gpu' computes on the CPU, slowly.",
    );
  }
  return tfjsProgram(step, initialState, inputSpecs, { backend: BACKEND });
}

/** The folder whose library is in this process: there can only be one. */
let loaded: string | undefined;

/** Loads the binding and registers tfjs-node's backend and kernels with the TensorFlow.js of this program. */
function load(folder: string): void {
  if (loaded === folder) return;
  if (loaded !== undefined) {
    throw new Error(`A process can use one TensorFlow: ${loaded} is loaded, so ${folder} can't be.`);
  }
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
  loaded = folder;
}

/** tfjs-node 4.22 uses two functions of Node's `util` that Node 23 and later no longer have. */
function restoreRemovedFunctions(): void {
  const old = util as unknown as Record<string, unknown>;
  old.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  old.isArray ??= Array.isArray;
}
