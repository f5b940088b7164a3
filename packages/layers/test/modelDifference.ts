import { availableEngines, compile, type EngineName } from '@beit/compile';
import { type LossAndOutputs, valueAndGrads } from '@beit/optim';
import type { HostTensor, TensorSpec } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { isInstalled } from '../../../tooling/jest/whereInstalled';
import { functional } from '../src';

/** Reproducible numbers in (-1, 1). */
export function numbers(shape: readonly number[], seed: number): HostTensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233) * 0.99);
  return { dtype: 'float32', shape, data };
}

/** Reproducible integers from 0 to `count` - 1. */
export function indices(shape: readonly number[], count: number): HostTensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: 'int32', shape, data: Int32Array.from({ length: size }, (_, i) => (i * 7 + 3) % count) };
}

export const tensorOf = ({ data, shape, dtype }: HostTensor): tf.Tensor =>
  tf.tensor(data.slice(), [...shape], dtype as 'float32' | 'int32');

/** Gives a model reproducible weights; variances are positive. */
export function fillWeights(model: tf.LayersModel): void {
  const filled = [...new Set(model.weights)].map((weight, i) => {
    const values = tensorOf(numbers(weight.shape as number[], i + 1)).mul(0.5);
    return [weight, weight.originalName.includes('variance') ? values.abs().add(0.5) : values] as const;
  });
  for (const [weight, values] of filled) weight.write(values);
}

/** The engines that run compiled programs here. */
export async function compiledEngines(): Promise<EngineName[]> {
  const engines = (await availableEngines()).filter((engine) => engine !== 'tfjs');
  expect(engines.includes('openvino')).toBe(isInstalled('OpenVINO'));
  return engines;
}

/** Something to minimize that depends on every element of every output. */
const lossOf = (outputs: readonly tf.Tensor[]): tf.Scalar =>
  outputs
    .map((output, i) => tf.mean(tf.mul(tf.mul(output, output), tensorOf(numbers(output.shape, 50 + i)))))
    .reduce((sum, term) => tf.add(sum, term)) as tf.Scalar;

type Tensors = Record<string, tf.Tensor>;
type Numbers = Record<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>;

const read = (tensors: Tensors): Numbers =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      { shape: tensor.shape, data: tensor.dataSync().slice() },
    ]),
  );

/**
 * What TensorFlow.js itself makes of a model: its prediction, and the loss, gradients and averages of a training step as
 * `model.fit` does it.
 */
function expected(model: tf.LayersModel, inputs: readonly tf.Tensor[], predictOnly: boolean): Numbers {
  const f = functional(model);
  const names = Object.keys(f.params);
  const variables = new Map([...new Set(model.weights)].map((weight, i) => [names[i]!, weight]));
  const x = inputs.length === 1 ? inputs[0]! : [...inputs];
  const predicted = model.predict(x);
  const prediction = Object.fromEntries(
    (Array.isArray(predicted) ? predicted : [predicted]).map((tensor, i) => [`predicted ${i}`, tensor]),
  );
  if (predictOnly) return read(prediction);
  const before = new Map([...variables.values()].map((weight) => [weight, weight.read().clone()]));
  const trained = [...variables].filter(([name]) => f.trainable(name));
  const totalLoss = () => {
    const made = model.apply(x, { training: true }) as tf.Tensor | tf.Tensor[];
    const loss = lossOf(Array.isArray(made) ? made : [made]);
    return model.calculateLosses().reduce((sum, penalty) => tf.add(sum, penalty), loss as tf.Scalar);
  };
  const result: Tensors = { ...prediction };
  if (trained.length > 0) {
    const { value, grads } = tf.variableGrads(
      totalLoss as () => tf.Scalar,
      trained.map(([, weight]) => weight.read() as tf.Variable),
    );
    result.loss = value;
    for (const [name, weight] of trained) {
      // No gradient reaches what the loss does not depend on.
      result[`gradient of ${name}`] = grads[weight.name] ?? tf.zerosLike(weight.read());
    }
  } else {
    result.loss = totalLoss();
  }
  for (const [name, weight] of variables) {
    if (/moving_/.test(name)) result[`next ${name}`] = weight.read();
  }
  const numbers = read(result);
  for (const [weight, value] of before) weight.write(value);
  return numbers;
}

/** The same by `functional`, as a step. */
function stepOf(model: tf.LayersModel, predictOnly: boolean) {
  const f = functional(model);
  return (params: Tensors, { x }: { x: Tensors }) => {
    const { outputs } = f.apply(params, x);
    const result: Tensors = {};
    f.outputNames.forEach((name, i) => {
      result[`predicted ${i}`] = outputs[name]!;
    });
    const loss = (varied: Tensors): LossAndOutputs & Tensors => {
      const { outputs, updates, penalty } = f.apply({ ...params, ...varied }, x, { training: true });
      const values = f.outputNames.map((name) => outputs[name]!);
      return { ...updates, loss: tf.add(lossOf(values), penalty) };
    };
    const trained = Object.fromEntries(Object.entries(params).filter(([name]) => f.trainable(name)));
    if (predictOnly) return { state: params, outputs: result };
    if (Object.keys(trained).length > 0) {
      const { loss: value, outputs: updates, gradients } = valueAndGrads(loss, trained);
      result.loss = value;
      for (const [name, tensor] of Object.entries(gradients)) result[`gradient of ${name}`] = tensor;
      for (const [name, tensor] of Object.entries(updates)) result[`next ${name}`] = tensor;
    } else {
      result.loss = loss({}).loss;
    }
    return { state: params, outputs: result };
  };
}

/** The largest difference of any quantity, relative to its largest magnitude (at least 1e-2), and which it is. */
function difference(actual: Numbers, expected: Numbers): { error: number; of: string } {
  let worst = { error: 0, of: '' };
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect([name, actual[name]!.shape]).toEqual([name, shape]);
    let [error, magnitude] = [0, 1e-2];
    for (let i = 0; i < data.length; i++) {
      const distance = Math.abs(data[i]! - actual[name]!.data[i]!);
      error = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : Math.max(error, distance);
      magnitude = Math.max(magnitude, Math.abs(data[i]!));
    }
    if (error / magnitude > worst.error) worst = { error: error / magnitude, of: name };
  }
  return worst;
}

/**
 * Predicts and differentiates a model eagerly and on each engine, and holds all of it against TensorFlow.js's own
 * `predict` and gradients.
 */
export async function expectSame(
  model: tf.LayersModel,
  hosts: readonly HostTensor[],
  { predictOnly = false, tolerance = 2e-5 } = {},
): Promise<void> {
  await tf.setBackend('cpu');
  fillWeights(model);
  const inputs = hosts.map(tensorOf);
  const reference = expected(model, inputs, predictOnly);
  const f = functional(model);
  const step = stepOf(model, predictOnly);
  const x = Object.fromEntries(f.inputNames.map((name, i) => [name, hosts[i] as HostTensor & TensorSpec]));
  const errors: Record<string, unknown> = {};
  for (const engine of ['tfjs', ...(await compiledEngines())] as EngineName[]) {
    const options = engine === 'tfjs' ? { engine, backend: 'cpu' } : { engine, numThreads: 1 };
    const program = await compile(step, { state: f.params, inputs: { x } }, options);
    const { error, of } = difference((await program.run({ x })) as Numbers, reference);
    await program.dispose();
    if (!(error < tolerance)) errors[engine] = `${of}: ${error}`;
  }
  await tf.setBackend('cpu');
  expect(errors).toEqual({});
}
