/**
 * Rate of large square matrix products in one of our engines, in a process of its own: prints GFLOP per second by
 * precision and size, or why the engine is not there. Arguments: `GemmOptions` as JSON.
 */

import { availableEngines, compileForward, type EngineName, type Precision } from '@beit/compile';
import { median } from '@beit/measurements';
import * as tf from '@tensorflow/tfjs';

export interface GemmOptions {
  readonly engine: EngineName;
  readonly precision: Precision;
  readonly threads: number;
  readonly seconds: number;
}
const SIZES = [1024, 2048, 3072, 4096];
/** Products in one program, so that handing over the operands does not count. */
const CHAIN = 4;

async function rate(size: number, { engine, precision, threads, seconds }: GemmOptions): Promise<number> {
  const shape = [size, size] as [number, number];
  const spec = { dtype: 'float32', shape } as const;
  type Operands = { a: tf.Tensor; b: tf.Tensor };
  const products = (_: object, { a, b }: Operands) => {
    let product = a;
    for (let i = 0; i < CHAIN; i++) product = tf.matMul(product, b);
    // One number, so that reading the result does not count either.
    return { sum: tf.sum(product) };
  };
  const program = await compileForward(
    products,
    { params: {}, inputs: { a: spec, b: spec } },
    { engine, precision, numThreads: threads },
  );
  const data = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i) / Math.sqrt(size));
  const inputs = { a: { ...spec, data }, b: { ...spec, data } };
  for (let i = 0; i < 2; i++) await program.run(inputs);
  const times: number[] = [];
  const begin = performance.now();
  while (times.length < 3 || performance.now() - begin < 1000 * seconds) {
    const start = performance.now();
    await program.run(inputs);
    times.push((performance.now() - start) / 1000);
  }
  await program.dispose();
  return (CHAIN * 2 * size ** 3) / median(times) / 1e9;
}

async function measure(options: GemmOptions) {
  if (!(await availableEngines()).includes(options.engine)) {
    return { absent: `the engine ${options.engine} is not installed` };
  }
  tf.enableProdMode();
  const rates: Record<number, number> = {};
  for (const size of SIZES) rates[size] = await rate(size, options);
  return { [options.precision]: rates };
}

console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as GemmOptions)));
