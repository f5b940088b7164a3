/** A computation as plain data: TensorFlow.js kernels, the tensors that go in, and the numbers that came out. */
import type * as tf from '@tensorflow/tfjs';

export type DType = 'float32' | 'int32' | 'bool' | 'complex64' | 'string';

/** A tensor with its numbers; strings are bytes. */
export interface TensorData {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array | readonly Uint8Array[];
}

/** A tensor that goes into a program, from outside or as a constant. */
export interface Leaf extends TensorData {
  readonly constant: boolean;
}

/** A tensor of a program: one that went in, or one that a kernel made. */
export type Ref = { readonly leaf: number } | { readonly node: number; readonly output: number };

/** One call of a kernel. */
export interface KernelCall {
  readonly kernel: string;
  readonly inputs: Inputs<Ref>;
  readonly attrs: tf.NamedAttrMap;
  /** How many tensors it returns. */
  readonly outputs: number;
}

/** A tensor that was read, with the numbers that it had. */
export interface Read extends TensorData {
  readonly ref: Ref;
}

export interface Program {
  readonly leaves: readonly Leaf[];
  /** In the order of the calls. */
  readonly calls: readonly KernelCall[];
  /** What comes out. */
  readonly reads: readonly Read[];
}

/** The part of a program that leads to some of its reads. */
export function programOf(program: Program, reads: readonly Read[]): Program {
  const needed = new Set<number>();
  const leaves = new Map<number, number>();
  const visit = (ref: Ref) => {
    if ('leaf' in ref) {
      if (!leaves.has(ref.leaf)) leaves.set(ref.leaf, leaves.size);
      return;
    }
    if (needed.has(ref.node)) return;
    needed.add(ref.node);
    for (const input of inputsOf(program.calls[ref.node]!.inputs)) visit(input);
  };
  for (const { ref } of reads) visit(ref);
  const calls = [...needed].sort((a, b) => a - b);
  const place = new Map(calls.map((call, i) => [call, i]));
  const moved = (ref: Ref): Ref =>
    'leaf' in ref ? { leaf: leaves.get(ref.leaf)! } : { node: place.get(ref.node)!, output: ref.output };
  return {
    leaves: [...leaves.keys()].map((leaf) => program.leaves[leaf]!),
    calls: calls.map((call) => withRefs(program.calls[call]!, moved)),
    reads: reads.map((read) => ({ ...read, ref: moved(read.ref) })),
  };
}

/** One program that does what all of them do. */
export function joined(programs: readonly Program[]): Program {
  const [leaves, calls, reads] = [[] as Leaf[], [] as KernelCall[], [] as Read[]];
  for (const program of programs) {
    const [firstLeaf, firstCall] = [leaves.length, calls.length];
    const moved = (ref: Ref): Ref =>
      'leaf' in ref ? { leaf: ref.leaf + firstLeaf } : { ...ref, node: ref.node + firstCall };
    leaves.push(...program.leaves);
    calls.push(...program.calls.map((call) => withRefs(call, moved)));
    reads.push(...program.reads.map((read) => ({ ...read, ref: moved(read.ref) })));
  }
  return { leaves, calls, reads };
}

const withRefs = ({ inputs, ...rest }: KernelCall, f: (ref: Ref) => Ref): KernelCall => ({
  ...rest,
  inputs: mapInputs(inputs, f),
});

/** Which leaves are constants: none, all, or all but the first, as where a model's parameters are frozen. */
export type LeafMode = 'inputs' | 'constants' | 'mixed';

/** The program with its leaves of one kind, or `undefined` where that is the same as another mode. */
export function inMode(program: Program, mode: LeafMode): Program | undefined {
  if (mode === 'mixed' && program.leaves.length < 2) return undefined;
  if (mode === 'constants' && program.leaves.length === 0) return undefined;
  const leaves = program.leaves.map((leaf, i) => ({
    ...leaf,
    constant: mode === 'constants' || (mode === 'mixed' && i > 0),
  }));
  return { ...program, leaves };
}

/** A kernel's inputs by its names, of which one may be several, or a list. */
export type Inputs<T> = Readonly<Record<string, T | readonly T[]>> | readonly T[];

/** The same inputs as something else. */
export function mapInputs<T, U>(inputs: Inputs<T>, f: (input: T) => U): Record<string, U | U[]> | U[] {
  const list = (all: readonly T[]) => all.map(f);
  if (Array.isArray(inputs)) return list(inputs);
  return Object.fromEntries(
    Object.entries(inputs as Readonly<Record<string, T | readonly T[]>>).map(([name, input]) => [
      name,
      Array.isArray(input) ? list(input) : f(input as T),
    ]),
  );
}

const inputsOf = <T>(inputs: Inputs<T>): T[] => Object.values(inputs).flat() as T[];
