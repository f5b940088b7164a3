import type { HostTensor, Step, TensorSpec, Tree, TreeOf } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { isInstalled } from '../../../tooling/jest/whereInstalled';
import { availableEngines, compile, type EngineName } from '../src';
import { givenTensors } from '../src/specTree';

tf.enableProdMode();

type Tensors = Tree<tf.Tensor>;

/** Reproducible numbers in (-1, 1). */
export function numbers(shape: readonly number[], seed: number): HostTensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233) * 0.99);
  return { dtype: 'float32', shape, data };
}

const host = (tree: unknown) =>
  [...givenTensors(tree as Tree<HostTensor>, 'state')] as [path: string, leaf: HostTensor][];

/** Largest difference relative to the largest magnitude; what is the same, NaN and infinity too, is no difference. */
export function relativeError(actual: HostTensor, expected: HostTensor): number {
  let error = 0;
  let magnitude = 1e-30;
  expected.data.forEach((x, i) => {
    if (Object.is(x, actual.data[i])) {
      if (Number.isFinite(x)) magnitude = Math.max(magnitude, Math.abs(x));
      return;
    }
    error = Math.max(error, Math.abs(x - actual.data[i]!));
    magnitude = Math.max(magnitude, Math.abs(x));
  });
  return error / magnitude;
}

/** The engines that run compiled programs here. */
export async function compiledEngines(): Promise<EngineName[]> {
  const engines = (await availableEngines()).filter((engine) => engine !== 'tfjs');
  expect(engines.includes('openvino')).toBe(isInstalled('OpenVINO'));
  return engines;
}

/** Those that run what is traced, and not the step op by op. */
export const tracingEngines = async (): Promise<EngineName[]> =>
  (await compiledEngines()).filter((engine) => !engine.startsWith('tensorflow'));

/** Runs `steps` steps eagerly and compiled, and returns the largest relative error of any output or state. */
export async function engineDifference<S extends Tensors, I extends Tensors, O extends Tensors>(
  step: Step<S, I, O>,
  state: TreeOf<S, HostTensor>,
  inputs: TreeOf<I, HostTensor>,
  steps = 2,
): Promise<Record<string, number>> {
  const options = { state, inputs: inputs as TreeOf<I, TensorSpec> };
  const engines = await compiledEngines();
  const eager = await compile(step, options, { engine: 'tfjs', backend: 'cpu' });
  const compiled = await Promise.all(
    engines.map((engine) => compile(step, options, { engine, numThreads: 1 })),
  );
  const errors: Record<string, number> = Object.fromEntries(engines.map((engine) => [engine, 0]));
  for (let i = 0; i < steps; i++) {
    const expected = [...host(await eager.run(inputs)), ...host(await eager.readState())];
    for (const program of compiled) {
      const actual = new Map([...host(await program.run(inputs)), ...host(await program.readState())]);
      for (const [path, tensor] of expected) {
        expect(actual.get(path)?.shape).toEqual(tensor.shape);
        const error = relativeError(actual.get(path)!, tensor);
        errors[program.engine] = Math.max(errors[program.engine]!, error);
      }
    }
  }
  for (const program of [eager, ...compiled]) await program.dispose();
  return errors;
}

/** Every engine within `tolerance`. */
export function expectClose(errors: Record<string, number>, tolerance = 1e-5): void {
  const far = Object.entries(errors).filter(([, error]) => !(error < tolerance));
  expect(Object.fromEntries(far)).toEqual({});
}
