import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import type { EngineName } from '../src';
import { readTensor, tensorOf } from './hostTensors';
import { withKernelNoise } from './kernelNoise';
import { type Around, constantOf, hostOf, type RandomProgram, runRandomProgram } from './randomProgram';
import { foundOn, nameOf, runsOn } from './runsOn';
import { namedDifference, type Passes } from './tensorDifference';

const STEPS = 3;
const NOISY_RUNS = 3;
/** Below, engines may flush to zero. */
const SMALLEST_NORMAL = 2 ** -126;

const named = (program: RandomProgram, kind: 'state' | 'input'): NamedTensors =>
  Object.fromEntries(
    program.leaves.flatMap((leaf, i) => (leaf.kind === kind ? [[`v${i}`, hostOf(leaf)] as const] : [])),
  );

/** The inputs of each step: the leaves' numbers, in another order every time. */
const inputsOf = (program: RandomProgram): NamedTensors[] =>
  Array.from({ length: STEPS }, (_, step) =>
    Object.fromEntries(
      Object.entries(named(program, 'input')).map(([name, { dtype, shape, data }]) => {
        const turned = data.map((_, i) => data[(i + step) % data.length]!);
        return [name, { dtype, shape, data: turned }];
      }),
    ),
  );

/** What every step puts out, and the state after it, all eagerly on `cpu`. */
function eagerly(program: RandomProgram, around?: Around): NamedTensors {
  tf.setBackend('cpu');
  const results: NamedTensors = {};
  let state = named(program, 'state');
  for (const [step, inputs] of inputsOf(program).entries()) {
    const given: NamedTensors = { ...state, ...inputs };
    tf.tidy(() => {
      const leaves = program.leaves.map((leaf, i) => tensorOf(given[`v${i}`] ?? hostOf(leaf)));
      const made = runRandomProgram(program, leaves, around);
      for (const [name, y] of Object.entries(made.outputs))
        results[nameOf(step, 'output', name)] = readTensor(y);
      state = Object.fromEntries(Object.entries(made.state).map(([name, t]) => [name, readTensor(t)]));
      for (const [name, tensor] of Object.entries(state)) results[nameOf(step, 'state', name)] = tensor;
    });
  }
  return results;
}

/** Floats may differ by what other roundings inside the program change. */
const roundings =
  (noisy: readonly NamedTensors[]) =>
  (_: unknown, name: string): Passes =>
  (actual, expected, i) => {
    const others = noisy.map((run) => run[name]!.data[i]!);
    const spread = Math.max(...others.map((other) => Math.abs(other - expected)));
    // Where noise decides whether a number is finite, an engine may decide, too.
    if (others.some((other) => Number.isFinite(other) !== Number.isFinite(expected))) return true;
    return Math.abs(actual - expected) <= 8 * spread + 2e-6 * Math.abs(expected) + SMALLEST_NORMAL;
  };

/**
 * Runs a program eagerly on `cpu`, also with noise to see how much that changes, and compiled.
 *
 * @returns what differs, by engine
 */
export async function randomProgramDifference(
  program: RandomProgram,
  engines: readonly EngineName[],
): Promise<Record<string, string>> {
  const expected = eagerly(program);
  const noisy = Array.from({ length: NOISY_RUNS }, (_, i) =>
    withKernelNoise(i + 1, ({ during }) => eagerly(program, during)),
  );
  const constants = program.leaves.map((leaf) => (leaf.kind === 'constant' ? constantOf(leaf) : undefined));
  const step = (state: Record<string, tf.Tensor>, given: Record<string, tf.Tensor>) =>
    runRandomProgram(
      program,
      program.leaves.map((_, i) => state[`v${i}`] ?? given[`v${i}`] ?? constants[i]!),
    );
  const runs = { step, state: named(program, 'state'), inputs: inputsOf(program) };
  const found = await foundOn(engines, async (engine) =>
    namedDifference(await runsOn(engine, runs), expected, roundings(noisy)),
  );
  for (const constant of constants) constant?.dispose();
  return found;
}
