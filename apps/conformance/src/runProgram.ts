import { compileForward, exportOnnx } from '@beit/compile';
import type { HostTensor, TensorSpec } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import type { Program, TensorData } from './program';
import { replay } from './replay';
import { makeTensor, readTensor, tensorsOf } from './tensors';

/** `cpu` is TensorFlow.js again; `onnx` is a file of `exportOnnx`, run by onnxruntime's own JavaScript API. */
export type Runner = 'cpu' | 'openvino' | 'onnxruntime' | 'xla' | 'onnx';
/** A program's reads, computed another way, in their order. */
export type Run = (program: Program) => Promise<TensorData[]>;

const leafName = (i: number) => `x${i}`;
const readName = (i: number) => `y${i}`;

/** A tensor as a program takes it. */
type GivenTensor = HostTensor & TensorSpec;

/** A leaf as a program can take it: float32 or int32. Strings and complex numbers can't be taken. */
function hostOf({ dtype, shape, data }: TensorData): GivenTensor | undefined {
  if (dtype === 'bool') return { dtype: 'int32', shape, data: Int32Array.from(data as Uint8Array) };
  if (dtype === 'float32' || dtype === 'int32') return { dtype, shape, data: data as Float32Array };
  return undefined;
}

/** Leaves that a program can take, by name. */
const hostLeaves = ({ leaves }: Program, constant: boolean): Record<string, GivenTensor> =>
  Object.fromEntries(
    leaves.flatMap((leaf, i) => {
      const host = leaf.constant === constant ? hostOf(leaf) : undefined;
      return host ? [[leafName(i), host]] : [];
    }),
  );

/** The program on the tensors that are given, and on constants in place of the others. */
function outputsOf(program: Program, given: Readonly<Record<string, tf.Tensor>>): Record<string, tf.Tensor> {
  const leaves = program.leaves.map((leaf, i) => {
    const tensor = given[leafName(i)] ?? makeTensor(leaf);
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
  (engine: 'openvino' | 'onnxruntime' | 'xla'): Run =>
  async (program) => {
    const inputs = hostLeaves(program, false);
    const replayed = (_: object, given: Record<string, tf.Tensor>) => outputsOf(program, given);
    const made = await compileForward(
      replayed,
      { params: {}, inputs },
      { engine, numThreads: 1, programCache: false },
    );
    try {
      return inOrder(program, await made.run(inputs));
    } finally {
      await made.dispose();
    }
  };

async function exported(program: Program): Promise<TensorData[]> {
  const inputs = hostLeaves(program, false);
  const file = await exportOnnx((a, b) => outputsOf(program, { ...a, ...b }), {
    params: hostLeaves(program, true),
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
  const read: TensorData[] = [];
  tf.tidy(() => {
    read.push(...replay(program, tensorsOf(program)).map(readTensor));
  });
  return read;
}

export const RUNNERS: Readonly<Record<Runner, Run>> = {
  cpu: again,
  openvino: compiled('openvino'),
  onnxruntime: compiled('onnxruntime'),
  xla: compiled('xla'),
  onnx: exported,
};
