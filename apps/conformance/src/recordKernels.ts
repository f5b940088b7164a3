import * as tf from '@tensorflow/tfjs';
import {
  type Inputs,
  type KernelCall,
  type Leaf,
  mapInputs,
  type Program,
  programOf,
  type Read,
  type Ref,
} from './program';
import { readTensor } from './tensors';

/** What is remembered of what the `cpu` backend computes. */
export interface Recorder {
  /** Forgets everything. */
  begin(): void;
  /** What was computed since, and read, or `undefined` where nothing that was computed was read. */
  end(): Program | undefined;
}

const BACKEND = 'cpu';

/**
 * Remembers every kernel that the `cpu` backend runs from now on, and every tensor whose numbers are read.
 *
 * A reshaped or cast tensor may share its data with the one that it was made of, so a tensor is known by its data,
 * shape and dtype together. A tensor that no kernel made, or one before `begin`, is a leaf.
 */
export function recordKernels(): Recorder {
  let known = new WeakMap<object, Map<string, Ref>>();
  let leaves: Leaf[] = [];
  let calls: KernelCall[] = [];
  let reads: Read[] = [];

  const formOf = ({ dtype, shape }: tf.TensorInfo) => `${dtype} ${shape}`;
  const remember = (tensor: tf.TensorInfo, ref: Ref) => {
    const forms = known.get(tensor.dataId) ?? new Map<string, Ref>();
    known.set(tensor.dataId, forms.set(formOf(tensor), ref));
  };
  const refOf = (tensor: tf.TensorInfo): Ref => {
    const made = known.get(tensor.dataId)?.get(formOf(tensor));
    if (made) return made;
    const ref = { leaf: leaves.length };
    leaves.push({ ...readTensor(tensor), constant: false });
    remember(tensor, ref);
    return ref;
  };

  for (const config of tf.getKernelsForBackend(BACKEND)) {
    const { kernelName, kernelFunc } = config;
    tf.unregisterKernel(kernelName, BACKEND);
    tf.registerKernel({
      ...config,
      kernelFunc: (params) => {
        const given = Array.isArray(params.inputs)
          ? params.inputs
          : Object.fromEntries(Object.entries(params.inputs).filter(([, input]) => input != null));
        const inputs = mapInputs(given as Inputs<tf.TensorInfo>, refOf);
        const attrs = structuredClone(params.attrs ?? {}) as KernelCall['attrs'];
        const result = kernelFunc(params);
        const made = Array.isArray(result) ? result : [result];
        // After the kernel has run: it may have called others, whose results it passes on.
        made.forEach((tensor, output) => {
          remember(tensor, { node: calls.length, output });
        });
        calls.push({ kernel: kernelName, inputs, attrs, outputs: made.length });
        return result;
      },
    });
  }

  const read = (tensor: tf.Tensor) => {
    if (tensor.isDisposed || tf.getBackend() !== BACKEND) return;
    const ref = known.get(tensor.dataId)?.get(formOf(tensor));
    if (!ref || 'leaf' in ref || reads.some((other) => other.ref === ref)) return;
    reads.push({ ref, ...readTensor(tensor) });
  };
  const prototype = tf.Tensor.prototype;
  const { data, dataSync } = prototype;
  prototype.data = function (this: tf.Tensor) {
    read(this);
    return data.call(this);
  } as typeof data;
  prototype.dataSync = function (this: tf.Tensor) {
    read(this);
    return dataSync.call(this);
  } as typeof dataSync;

  return {
    begin() {
      [known, leaves, calls, reads] = [new WeakMap(), [], [], []];
    },
    end() {
      if (reads.length === 0) return undefined;
      return programOf({ leaves, calls, reads }, reads);
    },
  };
}
