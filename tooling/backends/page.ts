/** What runs in the browser: the programs of the tests, built from the packages' sources. */
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-webgpu';
import { availableEngines, compileForward } from '@beit/compile';
import { runProgram } from './runProgram';
import { GRADIENTS, INFERENCE } from './smallPrograms';

tf.enableProdMode();
setWasmPaths('/wasm/');

const PROGRAMS = { INFERENCE, GRADIENTS };

/** What the tests ask for. */
const page = {
  run: (kind: keyof typeof PROGRAMS, name: string, backend: string) =>
    runProgram(PROGRAMS[kind][name]!(), { engine: 'tfjs', backend }),

  /** The engine and the backend that a program gets when none is asked for. */
  async defaults() {
    const spec = { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } as const;
    const square = (_: object, { x }: { x: tf.Tensor }) => ({ y: tf.square(x) });
    const program = await compileForward(square, { params: {}, inputs: { x: spec } });
    const { y } = await program.run({ x: spec });
    return {
      engine: program.engine,
      backend: tf.getBackend(),
      y: Array.from(y.data as Float32Array),
      engines: await availableEngines(),
    };
  },

  async wasmFeatures() {
    return {
      simd: await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'),
      threads: await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT'),
    };
  },
};

export type Page = typeof page;
Object.assign(globalThis, { page });
