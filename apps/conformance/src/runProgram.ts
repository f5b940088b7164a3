import { compile, exportOnnx, type TensorSpec } from '@beit/compile';
import type { HostTensor } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import type { Program, TensorData } from './program';
import { replay } from './replay';

/** `cpu` is TensorFlow.js again; `onnx` is a file of `exportOnnx`, run by onnxruntime's own JavaScript API. */
export type Runner = 'cpu' | 'openvino' | 'onnxruntime' | 'onnx';
/** How the leaves come into a program. */
export type LeafMode = 'inputs' | 'constants';

/** A program's reads, computed another way, in their order. */
export type Run = (program: Program, mode: LeafMode) => Promise<TensorData[]>;

const leafName = (i: number) => `x${i}`;
const readName = (i: number) => `y${i}`;

/** A tensor with these numbers, on the backend in use. */
function tensorOf({ dtype, shape, data }: TensorData): tf.Tensor {
  if (dtype === 'complex64') {
    const part = (offset: number) =>
      tf.tensor(
        (data as Float32Array).filter((_, i) => i % 2 === offset),
        [...shape],
        'float32',
      );
    return tf.complex(part(0), part(1));
  }
  return tf.engine().makeTensor(data.slice() as never, [...shape], dtype, tf.engine().backend);
}

/** A tensor as a program takes it. */
type GivenTensor = HostTensor & TensorSpec;

/** A leaf as a program can take it: float32 or int32. Strings and complex numbers can't be taken. */
function hostOf({ dtype, shape, data }: TensorData): GivenTensor | undefined {
  if (dtype === 'bool') return { dtype: 'int32', shape, data: Int32Array.from(data as Uint8Array) };
  if (dtype === 'float32' || dtype === 'int32') return { dtype, shape, data: data as Float32Array };
  return undefined;
}

/** The leaves that are given to a program from outside, by name. */
const givenLeaves = ({ leaves }: Program): Record<string, GivenTensor> =>
  Object.fromEntries(
    leaves.flatMap((leaf, i) => {
      const host = hostOf(leaf);
      return host ? [[leafName(i), host]] : [];
    }),
  );

/** The program on the tensors that are given, and on constants in place of the others. */
function outputsOf(program: Program, given: Readonly<Record<string, tf.Tensor>>): Record<string, tf.Tensor> {
  const leaves = program.leaves.map((leaf, i) => {
    const tensor = given[leafName(i)] ?? tensorOf(leaf);
    return tensor.dtype === leaf.dtype ? tensor : tensor.cast(leaf.dtype);
  });
  return Object.fromEntries(replay(program, leaves).map((tensor, i) => [readName(i), tensor]));
}

const inOrder = (program: Program, outputs: Readonly<Record<string, HostTensor>>): TensorData[] =>
  program.reads.map((_, i) => {
    const { dtype, shape, data } = outputs[readName(i)]!;
    return { dtype: dtype === 'uint8' ? 'bool' : (dtype as 'float32'), shape, data };
  });

const compiled =
  (engine: 'openvino' | 'onnxruntime'): Run =>
  async (program, mode) => {
    const inputs = mode === 'inputs' ? givenLeaves(program) : {};
    const step = (state: Record<string, tf.Tensor>, given: Record<string, tf.Tensor>) => ({
      state,
      outputs: outputsOf(program, given),
    });
    const made = await compile(step, { state: {}, inputs }, { engine, numThreads: 1, programCache: false });
    try {
      return inOrder(program, await made.run(inputs));
    } finally {
      await made.dispose();
    }
  };

async function exported(program: Program, mode: LeafMode): Promise<TensorData[]> {
  const given = givenLeaves(program);
  const nothing: typeof given = {};
  const [params, inputs] = mode === 'inputs' ? [nothing, given] : [given, nothing];
  const file = await exportOnnx((a, b) => outputsOf(program, { ...a, ...b }), {
    params,
    inputs,
  });
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const feeds = session.inputNames.map((name) => {
      const { dtype, data, shape } = inputs[name]!;
      return [name, new Tensor(dtype, data as Float32Array, shape)] as const;
    });
    const results = await session.run(Object.fromEntries(feeds));
    return program.reads.map((_, i) => {
      const { type, dims, data } = results[readName(i)]!;
      return { dtype: type as 'float32', shape: dims, data: data as Float32Array };
    });
  } finally {
    await session.release();
  }
}

async function again(program: Program): Promise<TensorData[]> {
  await tf.setBackend('cpu');
  return tf.tidy(() => {
    const outputs = Object.values(outputsOf(program, {}));
    return outputs.map((tensor) => ({
      dtype: tensor.dtype as TensorData['dtype'],
      shape: tensor.shape,
      data: (tensor.dtype === 'string' ? [] : tensor.dataSync().slice()) as Float32Array,
    })) as never;
  });
}

export const RUNNERS: Readonly<Record<Runner, Run>> = {
  cpu: again,
  openvino: compiled('openvino'),
  onnxruntime: compiled('onnxruntime'),
  onnx: exported,
};
