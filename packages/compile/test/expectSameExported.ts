import type { HostTensor, NamedTensors, TensorSpec } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { exportOnnx } from '../src';
import { type Case, differenceOf, expectedOf, named } from './expectSame';
import { runOnnx } from './runOnnx';

/** The tensors of cases, each under a name of its own. */
const joined = <T>(groups: readonly Readonly<Record<string, T>>[]): Record<string, T> =>
  Object.fromEntries(
    groups.flatMap((group, i) => Object.entries(group).map(([name, tensor]) => [`${i}.${name}`, tensor])),
  );
const part = <T>(all: Readonly<Record<string, T>>, i: number): Record<string, T> =>
  Object.fromEntries(
    Object.entries(all).flatMap(([name, tensor]) =>
      name.startsWith(`${i}.`) ? [[name.slice(`${i}.`.length), tensor]] : [],
    ),
  );
/** ONNX Runtime's JavaScript has no tensors of booleans to compare: as integers. */
const asIntegers = (tensor: HostTensor): HostTensor =>
  tensor.dtype === 'uint8' ? { ...tensor, dtype: 'int32', data: Int32Array.from(tensor.data) } : tensor;

/** As `expectSame`, of all cases as one exported model in onnxruntime, in a process of its own. */
export async function expectSameExported(cases: Readonly<Record<string, Case>>): Promise<void> {
  await tf.setBackend('cpu');
  const examples = Object.values(cases);
  const inputs = joined(examples.map((example) => example.inputs));
  const step = (_: unknown, given: Record<string, tf.Tensor>) => {
    const outputs = joined(examples.map(({ op }, i) => named(op(part(given, i)))));
    return Object.fromEntries(
      Object.entries(outputs).map(([name, y]) => [name, y.dtype === 'bool' ? y.toInt() : y]),
    );
  };
  const model = await exportOnnx(step, { params: {}, inputs: inputs as Record<string, TensorSpec> });
  const [outputs] = runOnnx('onnxruntime-node', model, [inputs]) as [NamedTensors];
  const found: Record<string, string> = {};
  for (const [i, [name, example]] of Object.entries(cases).entries()) {
    const expected = Object.entries(await expectedOf(example)).map(([y, t]) => [y, asIntegers(t)]);
    const difference = differenceOf(part(outputs, i), Object.fromEntries(expected), example);
    if (difference !== undefined) found[name] = difference;
  }
  expect(found).toEqual({});
}
