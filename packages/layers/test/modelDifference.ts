import { compile, type EngineName } from '@beit/compile';
import { type LossAndOutputs, valueAndGrads } from '@beit/optim';
import { type HostTensor, type NamedTensors, sizeOf, type TensorSpec } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { compiledEngines } from '../../compile/test/compiledEngines';
import { i32, numbers, readTensor, tensorOf } from '../../compile/test/hostTensors';
import { foundOn } from '../../compile/test/runsOn';
import { allFinite, namedDifference, within } from '../../compile/test/tensorDifference';
import { functional } from '../src';

/** Reproducible integers from 0 to `count` - 1. */
export const indices = (shape: readonly number[], count: number) =>
  i32(
    Array.from({ length: sizeOf(shape) }, (_, i) => (i * 7 + 3) % count),
    shape,
  );

/** Gives a model reproducible weights; variances are positive. */
export function fillWeights(model: tf.LayersModel): void {
  const filled = [...new Set(model.weights)].map((weight, i) => {
    const values = tensorOf(numbers(weight.shape as number[], i + 1)).mul(0.5);
    return [weight, weight.originalName.includes('variance') ? values.abs().add(0.5) : values] as const;
  });
  for (const [weight, values] of filled) weight.write(values);
}

/** Something to minimize that depends on every element of every output. */
const lossOf = (outputs: readonly tf.Tensor[]): tf.Scalar =>
  outputs
    .map((output, i) => tf.mean(tf.mul(tf.mul(output, output), tensorOf(numbers(output.shape, 50 + i)))))
    .reduce((sum, term) => tf.add(sum, term)) as tf.Scalar;

type Tensors = Record<string, tf.Tensor>;

const read = (tensors: Tensors): NamedTensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, readTensor(tensor)]));

/**
 * What TensorFlow.js itself makes of a model: its prediction, and the loss, gradients and averages of a training step as
 * `model.fit` does it.
 */
function expected(model: tf.LayersModel, inputs: readonly tf.Tensor[], predictOnly: boolean): NamedTensors {
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
  expect(allFinite(reference)).toBe(true);
  const f = functional(model);
  const step = stepOf(model, predictOnly);
  const x = Object.fromEntries(f.inputNames.map((name, i) => [name, hosts[i] as HostTensor & TensorSpec]));
  // Of quantities that are small everywhere, small differences.
  const close = { ofLargest: tolerance, absolute: 1e-2 * tolerance };
  const engines: EngineName[] = ['tfjs', ...(await compiledEngines())];
  const found = await foundOn(engines, async (engine) => {
    const options = engine === 'tfjs' ? { engine, backend: 'cpu' } : { engine, numThreads: 1 };
    const program = await compile(step, { state: f.params, inputs: { x } }, options);
    try {
      const actual = (await program.run({ x })) as NamedTensors;
      return namedDifference(actual, reference, (tensor) => within(close, tensor));
    } finally {
      await program.dispose();
    }
  });
  await tf.setBackend('cpu');
  expect(found).toEqual({});
}
