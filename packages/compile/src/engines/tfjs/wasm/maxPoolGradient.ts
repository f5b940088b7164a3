import * as tf from '@tensorflow/tfjs';

/**
 * The gradient of max pooling, computed by the `cpu` backend: the numbers go over and come back. The kernel of `wasm`
 * begins its search for the largest value at the smallest positive number, and so leaves windows without a positive
 * one out. Reference: tensorflow/tfjs tfjs-backend-wasm/src/cc/kernels/MaxPoolGrad.cc @287dc7f.
 */
export const maxPoolGradient: tf.KernelFunc = ({ inputs, attrs, backend }) => {
  const wasm = backend as tf.KernelBackend;
  const cpu = tf.engine().findBackend('cpu');
  const moved = ({ dataId, shape, dtype }: tf.TensorInfo, from: tf.KernelBackend, to: tf.KernelBackend) => ({
    dataId: to.write(from.readSync(dataId) as tf.backend_util.BackendValues, shape, dtype),
    shape,
    dtype,
  });
  const there = Object.fromEntries(
    Object.entries(inputs).map(([name, info]) => [name, moved(info!, wasm, cpu)]),
  );
  const gradient = tf.getKernel('MaxPoolGrad', 'cpu').kernelFunc({ inputs: there, attrs, backend: cpu });
  const result = moved(gradient as tf.TensorInfo, cpu, wasm);
  for (const { dataId } of [...Object.values(there), gradient as tf.TensorInfo]) cpu.disposeData(dataId);
  return result;
};
