import type { HostTensor, TensorSpec } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import { compile, type EngineName } from '../src';
import { compiledEngines, relativeError } from './engineDifference';

type Tensors = Record<string, tf.Tensor>;
type HostTensors = Record<string, HostTensor>;

/** A program, and how its numbers are known to be right. */
export interface Case {
  readonly inputs: HostTensors;
  /** What eager TensorFlow.js says on `cpu`. */
  readonly outputs: (inputs: Tensors) => Tensors;
  /** What it gets wrong, or fails at: only compiled. */
  readonly own?: (inputs: Tensors) => Tensors;
  /** Names of `own` numbers that must be equal two by two. */
  readonly equal?: readonly (readonly [string, string])[];
}

async function outputsOf(
  engine: EngineName,
  inputs: HostTensors,
  f: (inputs: Tensors) => Tensors,
): Promise<HostTensors> {
  const step = (state: Tensors, given: Tensors) => ({ state, outputs: f(given) });
  const options = engine === 'tfjs' ? { engine, backend: 'cpu' } : { engine, numThreads: 1 };
  const program = await compile(step, { state: {}, inputs: inputs as Record<string, TensorSpec> }, options);
  try {
    return (await program.run(inputs)) as HostTensors;
  } finally {
    await program.dispose();
  }
}

const TOLERANCE = 2e-5;
/** Of sums of products that may cancel out. */
const SUM_TOLERANCE = 2e-4;

/** Every engine makes the shapes, types and numbers of the case. */
export async function checkOnEngines({ inputs, outputs, own, equal = [] }: Case): Promise<void> {
  const expected = await outputsOf('tfjs', inputs, outputs);
  for (const engine of await compiledEngines()) {
    // TensorFlow's own kernels run op by op and lack some of these.
    if (engine === 'tensorflow') continue;
    const actual = await outputsOf(engine, inputs, (x) => ({ ...outputs(x), ...own?.(x) }));
    const far: Record<string, unknown> = {};
    for (const [name, tensor] of Object.entries(expected)) {
      const { dtype, shape } = actual[name]!;
      expect({ engine, name, dtype, shape: [...shape] }).toEqual({
        engine,
        name,
        dtype: tensor.dtype,
        shape: [...tensor.shape],
      });
      const error = relativeError(actual[name]!, tensor);
      if (!(error < TOLERANCE)) far[`${engine}: ${name}`] = error;
    }
    for (const pair of equal) {
      const [a, b] = pair.map((name) => actual[name]!.data[0] as number) as [number, number];
      if (!(Math.abs(a - b) < SUM_TOLERANCE * (1 + Math.abs(a)))) far[`${engine}: ${pair}`] = [a, b];
    }
    expect(far).toEqual({});
  }
}
