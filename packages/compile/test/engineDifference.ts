import type { HostTensor } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { compile, flattenTree, type Step, type TensorSpec, type Tree, type TreeOf } from '../src';
import { isSpec } from '../src/record/trace';

tf.enableProdMode();

type Tensors = Tree<tf.Tensor>;

/** Reproducible numbers in (-1, 1). */
export function numbers(shape: readonly number[], seed: number): HostTensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233) * 0.99);
  return { dtype: 'float32', shape, data };
}

const host = (tree: unknown) => flattenTree<HostTensor>(tree as Tree<HostTensor>, isSpec);

/** Largest difference relative to the largest magnitude. */
function relativeError(actual: HostTensor, expected: HostTensor): number {
  let error = 0;
  let magnitude = 1e-30;
  expected.data.forEach((x, i) => {
    error = Math.max(error, Math.abs(x - actual.data[i]!));
    magnitude = Math.max(magnitude, Math.abs(x));
  });
  return error / magnitude;
}

/** Runs `steps` steps with both engines and returns the largest relative error of any output or state. */
export async function engineDifference<S extends Tensors, I extends Tensors, O extends Tensors>(
  step: Step<S, I, O>,
  state: TreeOf<S, HostTensor>,
  inputs: TreeOf<I, HostTensor>,
  steps = 2,
): Promise<number> {
  const options = { state, inputs: inputs as TreeOf<I, TensorSpec> };
  const eager = await compile(step, options, { engine: 'tfjs', backend: 'cpu' });
  const compiled = await compile(step, options, { engine: 'onnxruntime', numThreads: 1 });
  let error = 0;
  for (let i = 0; i < steps; i++) {
    const expected = [...host(await eager.run(inputs)), ...host(await eager.readState())];
    const actual = new Map([...host(await compiled.run(inputs)), ...host(await compiled.readState())]);
    for (const [path, tensor] of expected) {
      expect(actual.get(path)?.shape).toEqual(tensor.shape);
      error = Math.max(error, relativeError(actual.get(path)!, tensor));
    }
  }
  await eager.dispose();
  await compiled.dispose();
  return error;
}
