import * as tf from '@tensorflow/tfjs';
import { conv2dFilterGradient } from './conv2dFilterGradient';
import { depthwiseFilterGradient, depthwiseInputGradient } from './depthwiseGradients';
import { matrixProduct } from './matrixProduct';
import { maxPoolGradient } from './maxPoolGradient';
import { oneHot } from './oneHot';
import { unsortedSegmentSum } from './unsortedSegmentSum';

/** Kernels that the backend lacks: the gradients of convolutions and of gathers (tensorflow/tfjs #8474, #8082). */
const MISSING: Readonly<Record<string, tf.KernelFunc>> = {
  Conv2DBackpropFilter: conv2dFilterGradient,
  DepthwiseConv2dNativeBackpropFilter: depthwiseFilterGradient,
  DepthwiseConv2dNativeBackpropInput: depthwiseInputGradient,
  UnsortedSegmentSum: unsortedSegmentSum,
};

/** Kernels that it has and that give wrong numbers without a word; what is wrong is said where each is mended. */
const MENDED: Readonly<Record<string, (original: tf.KernelFunc) => tf.KernelFunc>> = {
  BatchMatMul: matrixProduct,
  _FusedMatMul: matrixProduct,
  MaxPoolGrad: () => maxPoolGradient,
  OneHot: oneHot,
};

let completed = false;

/**
 * Makes TensorFlow.js's `wasm` backend fit for training: with what is here, every kernel that our steps use gives the
 * numbers of the `cpu` backend. Holds for everyone who uses the backend in this realm. As of TensorFlow.js 4.22; a
 * kernel that a later one brings itself is left alone.
 */
export function completeWasmBackend(): void {
  if (completed) return;
  completed = true;
  for (const [kernelName, kernelFunc] of Object.entries(MISSING)) {
    if (!tf.getKernel(kernelName, 'wasm')) tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc });
  }
  for (const [kernelName, mend] of Object.entries(MENDED)) {
    const original = tf.getKernel(kernelName, 'wasm');
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({ ...original, kernelFunc: mend(original.kernelFunc) });
  }
}
