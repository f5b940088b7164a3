import type { HostTensor, TensorSpec } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { compile, type EngineName } from '../src';
import { tracingEngines } from './engineDifference';
import type { OfTensors } from './ofTensors';

tf.enableProdMode();

type Tensors = Record<string, tf.Tensor>;
type Numbers = HostTensor & TensorSpec;

export const f32 = (data: readonly number[], shape: readonly number[] = [data.length]): Numbers => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
});
export const i32 = (data: readonly number[], shape: readonly number[] = [data.length]): Numbers => ({
  dtype: 'int32',
  shape,
  data: Int32Array.from(data),
});

/** Numbers as a test prints them: float32 that differ by less than this, of the largest, are told as alike. */
const TOLERANCE = 1e-5;

/** What a tensor says: its dtype, shape and numbers, rounded to those that are expected where they are close enough. */
function told({ dtype, shape, data }: HostTensor, expected: HostTensor) {
  const finite = [...(expected.data as Float32Array)].filter(Number.isFinite);
  const scale = finite.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const numbers = Array.from(data as Float32Array, (x, i) => {
    const wanted = expected.data[i]!;
    const close = dtype === 'float32' && Math.abs(x - wanted) <= TOLERANCE * scale;
    // Zeros of both signs are one number here.
    return close ? wanted + 0 : x + 0;
  });
  return { dtype, shape, numbers };
}

/**
 * A function of tensors has the same dtype, shape and numbers in every engine as eagerly on `cpu`: NaN, infinities and
 * whole numbers exactly.
 *
 * @param right what TensorFlow.js itself should have computed, where it does not
 */
export async function expectSame<N extends string>(
  f: (inputs: Record<N, tf.Tensor>) => tf.Tensor,
  inputs: Record<N, Numbers>,
  right?: readonly number[],
): Promise<void> {
  const program: OfTensors<tf.Tensor> = f;
  const run = async (engine: EngineName) => {
    const step = (state: Tensors, given: Tensors) => ({ state, outputs: { y: program(given) } });
    const backend = engine === 'tfjs' ? { backend: 'cpu' } : {};
    const compiled = await compile<Tensors, Tensors, { y: tf.Tensor }>(
      step,
      { state: {}, inputs },
      { engine, numThreads: 1, programCache: false, ...backend },
    );
    try {
      const { y } = await compiled.run(inputs);
      return y as HostTensor;
    } finally {
      await compiled.dispose();
    }
  };
  const eager = await run('tfjs');
  const expected = right ? ({ ...eager, data: Float64Array.from(right) } as unknown as HostTensor) : eager;
  for (const engine of await tracingEngines()) {
    expect({ engine, ...told(await run(engine), expected) }).toEqual({ engine, ...told(expected, expected) });
  }
}
