import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { compile, type EngineName } from '../src';
import { withKernelNoise } from './kernelNoise';
import { type Around, constantOf, hostOf, type RandomProgram, runRandomProgram } from './randomProgram';

type Named = Readonly<Record<string, HostTensor>>;

const STEPS = 3;
const NOISY_RUNS = 3;
/** Below, engines may flush to zero. */
const SMALLEST_NORMAL = 2 ** -126;

const named = (program: RandomProgram, kind: 'state' | 'input') =>
  Object.fromEntries(
    program.leaves.flatMap((leaf, i) => (leaf.kind === kind ? [[`v${i}`, hostOf(leaf)] as const] : [])),
  );

/** The inputs of a step: the leaf's numbers, in another order every time. */
const inputsAt = (inputs: ReturnType<typeof named>, step: number) =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape, data }]) => {
      const turned = data.map((_, i) => data[(i + step) % data.length]!);
      return [name, { dtype, shape, data: turned }];
    }),
  );

/** What every step puts out, and the state at the end, all eagerly on `cpu`. */
function eagerly(program: RandomProgram, around?: Around): Named[] {
  tf.setBackend('cpu');
  const read = (tensors: Record<string, tf.Tensor>): Named =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => {
        const dtype = tensor.dtype === 'bool' ? 'uint8' : (tensor.dtype as 'float32');
        const array = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array }[dtype];
        return [name, { dtype, shape: tensor.shape, data: array.from(tensor.dataSync()) }];
      }),
    );
  const results: Named[] = [];
  let state: Named = named(program, 'state');
  for (let step = 0; step < STEPS; step++) {
    const given: Named = { ...state, ...inputsAt(named(program, 'input'), step) };
    tf.tidy(() => {
      const leaves = program.leaves.map((leaf, i) => {
        const { data, dtype, shape } = given[`v${i}`] ?? hostOf(leaf);
        return tf.tensor(data.slice(), [...shape], dtype as 'float32');
      });
      const result = runRandomProgram(program, leaves, around);
      results.push(read(result.outputs));
      state = read(result.state);
    });
  }
  return [...results, state];
}

/**
 * Runs a program eagerly on `cpu` and compiled. Floats may differ by what other roundings inside the program change:
 * it is run with noise to see how much that is.
 *
 * @returns each difference in a line
 */
export async function randomProgramDifference(
  program: RandomProgram,
  engines: readonly EngineName[],
): Promise<string[]> {
  const expected = eagerly(program);
  const noisy = Array.from({ length: NOISY_RUNS }, (_, i) =>
    withKernelNoise(i + 1, ({ during }) => eagerly(program, during)),
  );
  const constants = program.leaves.map((leaf) => (leaf.kind === 'constant' ? constantOf(leaf) : undefined));
  const inputs = named(program, 'input');
  const step = (state: Record<string, tf.Tensor>, given: Record<string, tf.Tensor>) =>
    runRandomProgram(
      program,
      program.leaves.map((_, i) => state[`v${i}`] ?? given[`v${i}`] ?? constants[i]!),
    );
  const differences: string[] = [];
  for (const engine of engines) {
    try {
      const compiled = await compile(
        step,
        { state: named(program, 'state'), inputs },
        { engine, numThreads: 1, programCache: false },
      );
      try {
        const results: Named[] = [];
        for (let i = 0; i < STEPS; i++) results.push((await compiled.run(inputsAt(inputs, i))) as Named);
        results.push((await compiled.readState()) as Named);
        results.forEach((result, i) => {
          for (const [name, tensor] of Object.entries(expected[i]!)) {
            const others = noisy.map((run) => run[i]![name]!);
            const difference = differenceOf(result[name]!, tensor, others);
            const when = i < STEPS ? `step ${i}` : 'the state';
            if (difference) differences.push(`${engine}, ${when}, ${name}: ${difference}`);
          }
        });
      } finally {
        await compiled.dispose();
      }
    } catch (error) {
      differences.push(`${engine}: ${(error as Error).message}`);
    }
  }
  for (const constant of constants) constant?.dispose();
  return differences;
}

function differenceOf(
  actual: HostTensor,
  expected: HostTensor,
  noisy: readonly HostTensor[],
): string | undefined {
  if (actual.dtype !== expected.dtype) return `${actual.dtype} instead of ${expected.dtype}`;
  if (`${actual.shape}` !== `${expected.shape}`) return `[${actual.shape}] instead of [${expected.shape}]`;
  for (const [i, e] of expected.data.entries()) {
    const a = actual.data[i]!;
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    const spread = Math.max(...noisy.map(({ data }) => Math.abs(data[i]! - e)));
    // Where noise decides whether a number is finite, an engine may decide, too.
    const undecided = noisy.some(({ data }) => Number.isFinite(data[i]!) !== Number.isFinite(e));
    const allowed = expected.dtype === 'float32' ? 8 * spread + 2e-6 * Math.abs(e) + SMALLEST_NORMAL : 0;
    if (!undecided && !(Math.abs(a - e) <= allowed))
      return `[${Array.from(actual.data)}] instead of [${Array.from(expected.data)}]`;
  }
  return undefined;
}
