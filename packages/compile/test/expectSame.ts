import type { HostTensor, NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import type { EngineName } from '../src';
import { tracingEngines } from './compiledEngines';
import { tensorOf } from './hostTensors';
import type { OfTensors } from './ofTensors';
import { foundOn, nameOf, runsOn } from './runsOn';
import { namedDifference, type Tolerance, within } from './tensorDifference';

type Tensors = Record<string, tf.Tensor>;
type Outputs = tf.Tensor | readonly tf.Tensor[] | Tensors;

/** A function of tensors, what it is called with, and how its results are known to be right. */
export interface Case {
  readonly inputs: NamedTensors;
  readonly op: OfTensors<Outputs>;
  /** Of floats. Default: none. */
  readonly tolerance?: Tolerance;
  /** What the right results are, where TensorFlow.js's own are wrong. */
  readonly expected?: NamedTensors;
  /** More results, only compiled: what TensorFlow.js gets wrong, or fails at. */
  readonly own?: OfTensors<Tensors>;
  /** What is wrong with those, if anything is. */
  readonly wrong?: (own: NamedTensors) => string | undefined;
}

/** A case whose function knows its inputs by name. */
export const given = <N extends string>(
  inputs: Readonly<Record<N, HostTensor>>,
  op: (inputs: Record<N, tf.Tensor>) => Outputs,
  rest: Partial<Case> = {},
): Case => ({ inputs, op, ...rest });

/** For numbers that a test does not look at closer: sums are added up in another order. */
export const CLOSE = { tolerance: { ofLargest: 1e-5 } } as const;

/** By name: one result is `y`, those of a list are `y0`, `y1`, …. */
export function named(outputs: Outputs): Tensors {
  if (outputs instanceof tf.Tensor) return { y: outputs };
  if (Array.isArray(outputs)) return Object.fromEntries(outputs.map((tensor, i) => [`y${i}`, tensor]));
  return outputs as Tensors;
}

/** What a function makes on an engine of what it is given as inputs, or as constants. */
async function outputsOn(
  engine: EngineName,
  f: OfTensors<Tensors>,
  inputs: NamedTensors,
  as: 'inputs' | 'constants' = 'inputs',
): Promise<NamedTensors> {
  const constants = () =>
    Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tensorOf(tensor)]));
  const step = (state: Tensors, x: Tensors) => ({
    state,
    outputs: f(as === 'inputs' ? x : constants()),
  });
  const results = await runsOn(engine, { step, state: {}, inputs: [as === 'inputs' ? inputs : {}] });
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => [name.slice(nameOf(0, 'output', '').length), tensor]),
  );
}

/** What has to come out, by TensorFlow.js's `cpu` backend where the case does not say. */
export const expectedOf = ({ inputs, op, expected }: Case): NamedTensors | Promise<NamedTensors> =>
  expected ?? outputsOn('tfjs', (x) => named(op(x)), inputs);

/** How results differ from those, in words. */
export const differenceOf = (
  actual: NamedTensors,
  expected: NamedTensors,
  { tolerance = {} }: Case,
): string | undefined => namedDifference(actual, expected, (tensor) => within(tolerance, tensor));

/**
 * Runs a case on every engine, its tensors as inputs and as constants.
 *
 * @returns what differs, by engine: empty where nothing does
 */
export async function differences(example: Case): Promise<Record<string, string>> {
  await tf.setBackend('cpu');
  const { inputs, op, own, wrong } = example;
  const expected = await expectedOf(example);
  const all = (x: Tensors): Tensors => ({ ...named(op(x)), ...own?.(x) });
  return foundOn(await tracingEngines(), async (engine) => {
    const found: string[] = [];
    for (const as of ['inputs', 'constants'] as const) {
      const outputs = Object.entries(await outputsOn(engine, all, inputs, as));
      const isOwn = ([name]: readonly [string, HostTensor]) => own !== undefined && !(name in expected);
      const rest = Object.fromEntries(outputs.filter((entry) => !isOwn(entry)));
      const difference =
        differenceOf(rest, expected, example) ?? wrong?.(Object.fromEntries(outputs.filter(isOwn)));
      if (difference !== undefined) found.push(`as ${as}, ${difference}`);
    }
    return found.length > 0 ? found.join('\n') : undefined;
  });
}

/** A case comes out the same on every engine. */
export async function expectSame(example: Case): Promise<void> {
  expect(await differences(example)).toEqual({});
}
