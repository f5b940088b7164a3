import type { HostTensor, Step, TensorSpec } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { compile, exportOnnx } from '../src';
import { tracingEngines } from './engineDifference';
import type { OfTensors } from './ofTensors';
import { runOnnx } from './runOnnx';

tf.enableProdMode();

/** A function of tensors, and what it is called with. */
export interface Case {
  readonly inputs?: Readonly<Record<string, HostTensor>>;
  readonly op: OfTensors<tf.Tensor | readonly tf.Tensor[] | Record<string, tf.Tensor>>;
  /** Largest difference of floats, relative to the larger of 1 and what is expected. Default: none. */
  readonly tolerance?: number;
  /** What the right result is, where TensorFlow.js's own is wrong. */
  readonly expected?: Readonly<Record<string, HostTensor>>;
}

/** A case whose function knows its inputs by name. */
export const caseOf = <N extends string>(
  inputs: Readonly<Record<N, HostTensor>>,
  op: (x: Record<N, tf.Tensor>) => ReturnType<Case['op']>,
  rest: Partial<Case> = {},
): Case => ({ inputs, op, ...rest });

type Tensors = Record<string, tf.Tensor>;

const HOST_ARRAYS = { float32: Float32Array, int32: Int32Array } as const;

/** A tensor for the program, of numbers in row-major order. */
const host = (
  dtype: 'float32' | 'int32',
  shape: readonly number[],
  values: readonly number[],
): HostTensor & TensorSpec => ({ dtype, shape, data: HOST_ARRAYS[dtype].from(values) });
export const f32 = (shape: readonly number[], values: readonly number[]) => host('float32', shape, values);
export const i32 = (shape: readonly number[], values: readonly number[]) => host('int32', shape, values);

const named = (result: ReturnType<Case['op']>): Tensors => {
  if (result instanceof tf.Tensor) return { y: result };
  if (Array.isArray(result)) return Object.fromEntries(result.map((tensor, i) => [`y${i}`, tensor]));
  return result as Tensors;
};

const toTensor = ({ dtype, shape, data }: HostTensor) =>
  tf.tensor(data.slice() as Float32Array, [...shape], dtype as 'float32');

/** What eager TensorFlow.js on `cpu` makes of it. */
function eagerly({ op, inputs = {} }: Case): Record<string, HostTensor> {
  const tensors = tf.tidy(() =>
    named(op(Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, toTensor(x)])))),
  );
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      const dtype = tensor.dtype === 'bool' ? 'uint8' : tensor.dtype;
      return [name, { dtype, shape: tensor.shape, data: tensor.dataSync().slice() } as HostTensor];
    }),
  );
}

const same = (x: number, y: number, tolerance: number) =>
  Object.is(x, y) || x === y || Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(y));

/** What is wrong with a result, in words; `undefined` where nothing is. */
function difference(
  actual: Readonly<Record<string, HostTensor>>,
  expected: Readonly<Record<string, HostTensor>>,
  tolerance: number,
): string | undefined {
  for (const [name, y] of Object.entries(expected)) {
    const x = actual[name];
    if (!x) return `${name} is missing`;
    if (x.dtype !== y.dtype || String(x.shape) !== String(y.shape))
      return `${name} is ${x.dtype} [${x.shape}] instead of ${y.dtype} [${y.shape}]`;
    const [a, b] = [Array.from(x.data as Float32Array), Array.from(y.data as Float32Array)];
    if (a.length !== b.length || !a.every((value, i) => same(value, b[i]!, tolerance)))
      return `${name} is [${a}] instead of [${b}]`;
  }
  return undefined;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/**
 * Runs a case on every engine, its tensors as inputs and as constants, and compares exactly: dtypes, shapes, NaN,
 * infinities and every bit of an integer.
 *
 * @returns what differs, by engine: empty where nothing does
 */
export async function differences(example: Case): Promise<Record<string, string>> {
  await tf.setBackend('cpu');
  const { inputs = {}, op, tolerance = 0 } = example;
  const expected = example.expected ?? eagerly(example);
  const found: Record<string, string> = {};
  for (const engine of await tracingEngines()) {
    for (const constant of [false, true]) {
      const given = constant ? {} : inputs;
      const step: Step<Tensors, Tensors, Tensors> = (state, x) => ({
        state,
        outputs: named(
          op(constant ? Object.fromEntries(Object.entries(inputs).map(([n, t]) => [n, toTensor(t)])) : x),
        ),
      });
      try {
        const program = await compile(
          step,
          { state: {}, inputs: given },
          { engine, numThreads: 1, programCache: false },
        );
        const outputs = (await program.run(given)) as Record<string, HostTensor>;
        const wrong = difference(outputs, expected, tolerance);
        if (wrong) found[`${engine}${constant ? ', constants' : ''}`] = wrong;
        await program.dispose();
      } catch (error) {
        found[`${engine}${constant ? ', constants' : ''}`] = messageOf(error);
      }
    }
  }
  return found;
}

/** As `differences`, of all cases as one exported model in onnxruntime, in a process of its own. */
export async function exportedDifferences(
  cases: Readonly<Record<string, Case>>,
): Promise<Record<string, string>> {
  await tf.setBackend('cpu');
  const names = Object.keys(cases);
  const inputs: Record<string, HostTensor> = {};
  names.forEach((name, i) => {
    for (const [input, tensor] of Object.entries(cases[name]!.inputs ?? {})) inputs[`${i}.${input}`] = tensor;
  });
  const specs = Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape }]) => [name, { dtype: dtype as 'float32', shape }]),
  );
  const model = await exportOnnx(
    (_, given) => {
      const outputs: Tensors = {};
      names.forEach((name, i) => {
        const { op, inputs: own = {} } = cases[name]!;
        const x = Object.fromEntries(Object.keys(own).map((input) => [input, given[`${i}.${input}`]!]));
        // ONNX Runtime's JavaScript has no tensors of booleans to compare: as integers.
        for (const [output, tensor] of Object.entries(named(op(x))))
          outputs[`${i}:${output}`] = tensor.dtype === 'bool' ? tensor.toInt() : tensor;
      });
      return outputs;
    },
    { params: {}, inputs: specs },
  );
  const [outputs] = runOnnx('onnxruntime-node', model, [inputs]);
  const found: Record<string, string> = {};
  names.forEach((name, i) => {
    const { tolerance = 0, expected = eagerly(cases[name]!) } = cases[name]!;
    const asIntegers = Object.fromEntries(
      Object.entries(expected).map(([output, { dtype, shape, data }]) => [
        `${i}:${output}`,
        (dtype === 'uint8'
          ? i32(shape, Array.from(data as Uint8Array))
          : { dtype, shape, data }) as HostTensor,
      ]),
    );
    const wrong = difference(outputs!, asIntegers, tolerance);
    if (wrong) found[name] = wrong;
  });
  return found;
}
