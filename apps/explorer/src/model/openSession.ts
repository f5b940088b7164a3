import { type ExportInput, exportOnnx } from '@beit/compile';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import module from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import * as ort from 'onnxruntime-web/wasm';

ort.env.wasm.wasmPaths = { wasm, mjs: module };
// Threads share memory, which pages have only where the server isolates them.
ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;

/** Compiles WebAssembly, which a page does best while its files are still on their way. */
export async function warmUp(): Promise<void> {
  const session = await openSession(
    (_, { x }) => ({ y: tf.neg(x) }),
    {},
    { x: { dtype: 'float32', shape: [1] } },
  );
  await session.dispose();
}

let last: Promise<unknown> = Promise.resolve();

/** One call after the other: calls of onnxruntime-web that overlap fail now and then, without a reason. */
function inTurn<T>(call: () => Promise<T>): Promise<T> {
  const result = last.then(call, call);
  last = result;
  return result;
}

type Arrays = Readonly<Record<string, Float32Array | Int32Array>>;

/** A function of a model, with its parameters, ready to run. */
export interface Session {
  /** Inputs and outputs by their names. */
  run(inputs: Arrays): Promise<Record<string, Float32Array | Int32Array>>;
  dispose(): Promise<void>;
}

/**
 * Makes a program of onnxruntime of a function: on WebAssembly it is several times faster than TensorFlow.js.
 *
 * @param fn from named parameters and inputs to named outputs; traced
 */
export async function openSession<I extends Readonly<Record<string, ExportInput>>>(
  fn: (
    params: Record<string, tf.Tensor>,
    inputs: { [K in keyof I]: tf.Tensor },
  ) => Readonly<Record<string, tf.Tensor>>,
  params: NamedTensors,
  inputs: I,
): Promise<Session> {
  const model = await exportOnnx(fn, { params, inputs });
  const session = await inTurn(() => ort.InferenceSession.create(model, { executionProviders: ['wasm'] }));
  return {
    async run(arrays) {
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, { dtype, shape }]) => {
          const data = arrays[name];
          if (!data) throw new Error(`The program needs '${name}'.`);
          return [name, new ort.Tensor(dtype, data as Float32Array, shape as number[])];
        }),
      );
      const outputs = await inTurn(() => session.run(feeds));
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array | Int32Array]),
      );
    },
    dispose: () => inTurn(() => session.release()),
  };
}
