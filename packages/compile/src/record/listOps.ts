import * as tf from '@tensorflow/tfjs';
import { RECORDED } from './kernels';

/** Not for users: what only layers of this project ask for. */
const isOwn = (kernel: string) => kernel.startsWith('Beit');

/** TensorFlow.js's kernels by name: those that can be traced, and those of its `cpu` backend that are refused. */
export function listOps(): { readonly traced: readonly string[]; readonly refused: readonly string[] } {
  const traced = [...RECORDED.keys()].filter((kernel) => !isOwn(kernel)).sort();
  const all = new Set(tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName));
  return { traced, refused: [...all].filter((kernel) => !RECORDED.has(kernel)).sort() };
}
