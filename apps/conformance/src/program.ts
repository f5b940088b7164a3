/** A computation as plain data: TensorFlow.js kernels, the tensors that go in, and the numbers that came out. */

export type DType = 'float32' | 'int32' | 'bool' | 'complex64' | 'string';

/** A tensor with its numbers; strings are bytes. */
export interface TensorData {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array | readonly Uint8Array[];
}

/** A tensor of a program: one that went in, or one that a kernel made. */
export type Ref = { readonly leaf: number } | { readonly node: number; readonly output: number };

/** One call of a kernel. */
export interface KernelCall {
  readonly kernel: string;
  /** By the kernel's names, or a list. */
  readonly inputs: Readonly<Record<string, Ref>> | readonly Ref[];
  readonly attrs: Readonly<Record<string, unknown>>;
  /** How many tensors it returns. */
  readonly outputs: number;
}

/** A tensor that was read, with the numbers that it had. */
export interface Read extends TensorData {
  readonly ref: Ref;
}

/** What a test computed, from the tensors that it made to those that it read. */
export interface Program {
  /** The file of the test, without `_test.js`. */
  readonly file: string;
  readonly test: string;
  readonly leaves: readonly TensorData[];
  /** In the order of the calls. */
  readonly calls: readonly KernelCall[];
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
    for (const input of Object.values(program.calls[ref.node]!.inputs)) visit(input);
  };
  for (const { ref } of reads) visit(ref);
  const calls = [...needed].sort((a, b) => a - b);
  const place = new Map(calls.map((call, i) => [call, i]));
  const moved = (ref: Ref): Ref =>
    'leaf' in ref ? { leaf: leaves.get(ref.leaf)! } : { node: place.get(ref.node)!, output: ref.output };
  return {
    ...program,
    leaves: [...leaves.keys()].map((leaf) => program.leaves[leaf]!),
    calls: calls.map((call) => {
      const { inputs, ...rest } = program.calls[call]!;
      return { ...rest, inputs: mapInputs(inputs, moved) };
    }),
    reads: reads.map((read) => ({ ...read, ref: moved(read.ref) })),
  };
}

/** Inputs of a call by the same names, or in the same order. */
export function mapInputs<T, U>(
  inputs: Readonly<Record<string, T>> | readonly T[],
  f: (input: T) => U,
): Record<string, U> | U[] {
  return Array.isArray(inputs)
    ? inputs.map(f)
    : Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, f(input)]));
}
