import { assertHostTensor, type HostTensor, type NamedTensors, plainPath } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { forwardStep } from '../forwardStep';
import { encodeOnnx, type OnnxHeader, type OnnxInitializer, type OnnxModel } from '../onnx/proto';
import { toOnnx } from '../onnx/toOnnx';
import { optimize, rewrite } from '../passes/optimize';
import { trace } from '../record/trace';
import { portableRules } from './portableRules';
import { withSymbolicSize } from './withSymbolicSize';

/** An input of an exported model. */
export interface ExportInput {
  readonly dtype: 'float32' | 'int32';
  /** A string in place of a number, such as `'batch'`, is a size that is open until the model runs. */
  readonly shape: readonly (number | string)[];
}

/** What the file says of itself. */
export interface ExportOptions {
  /** Default '@beit/compile'. */
  readonly producerName?: string;
  readonly producerVersion?: string;
  /** What the model is, in words. */
  readonly docString?: string;
  /** Anything else by name (ONNX's `metadata_props`), such as the names of the classes. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Names of the inputs are the caller's. */
type Forward = (
  params: Record<string, tf.Tensor>,
  inputs: Record<string, tf.Tensor>,
) => Readonly<Record<string, tf.Tensor>>;

/** Since onnxruntime 1.14. */
const OPSET = 18;
/** The file format of that opset. */
const IR_VERSION = 8;

/** Two primes, unlikely to be another size of the program, which would make a program of another form. */
const SAMPLE_SIZES = [101, 103] as const;

/**
 * A function as a `.onnx` file that any runtime can read: its parameters inside, ops of ONNX's own opset 18 alone,
 * inputs and outputs under the names given.
 *
 * A size that is left open (one name; it may occur several times) is found by tracing the function for two values of it:
 * sizes inside must be constant or whole multiples of it. Parameters that the function does not use are left out. The
 * file is the only copy made of the parameters.
 *
 * @param fn from named parameters and inputs to named outputs; traced, so what `compile` asks of a step holds
 * @throws for an op that can't be traced or is not in the opset, for names that occur twice, for a program that differs
 * in more than sizes when an open size does, and RangeError for a file beyond 2 GiB
 */
export async function exportOnnx<I extends Readonly<Record<string, ExportInput>>>(
  fn: (
    params: Record<string, tf.Tensor>,
    inputs: { [K in keyof I]: tf.Tensor },
  ) => Readonly<Record<string, tf.Tensor>>,
  { params, inputs }: { readonly params: NamedTensors; readonly inputs: I },
  options: ExportOptions = {},
): Promise<Uint8Array> {
  for (const [name, tensor] of Object.entries(params)) assertHostTensor(name, tensor);
  // A backend that starts asynchronously may be registered: tracing needs one to go back to.
  await tf.ready();
  const open = openSize(inputs);
  const modelOf = (size?: number): OnnxModel => {
    const specs = Object.fromEntries(
      Object.entries(inputs).map(([name, { dtype, shape }]) => [
        name,
        { dtype, shape: shape.map((dim) => (typeof dim === 'number' ? dim : size!)) },
      ]),
    );
    const { graph } = trace(forwardStep(fn as Forward), params, specs);
    return withParams(toOnnx(rewrite(optimize(graph), portableRules)), params);
  };
  const [small, large] = SAMPLE_SIZES;
  const model = open
    ? withSymbolicSize({ size: small, model: modelOf(small) }, { size: large, model: modelOf(large) }, open)
    : modelOf();
  const foreign = model.nodes.find(({ domain = '' }) => domain !== '');
  if (foreign) throw new Error(`A program with gradients of convolutions can't be exported (${foreign.op}).`);
  const header: OnnxHeader = { ...options, opset: OPSET, irVersion: IR_VERSION };
  return encodeOnnx(model, header);
}

/** Where the open size is read: the first place where it occurs. */
function openSize(inputs: Readonly<Record<string, ExportInput>>) {
  const places = Object.entries(inputs).flatMap(([input, { shape }]) =>
    shape.flatMap((name, axis) => (typeof name === 'string' ? [{ name, input, axis }] : [])),
  );
  const names = [...new Set(places.map(({ name }) => name))];
  if (names.length > 1) {
    throw new Error(
      `The inputs leave ${names.length} sizes open: ${names.join(', ')}; expected at most one.`,
    );
  }
  return places[0];
}

/** The model with its parameters as constants inside, and with the caller's names. */
function withParams(model: OnnxModel, params: Readonly<Record<string, HostTensor>>): OnnxModel {
  const owner = new Map<string, string>();
  /** What the program calls `inputs/x` is `x` outside. What has no name there gets one that no caller gives. */
  const outside = (name: string): string => {
    const inside = /^(?:inputs|outputs|state)\/(.*)$/s.exec(name)?.[1];
    if (inside === undefined) return name === '' ? '' : `/${name}`;
    const path = plainPath(inside);
    if (path === '') throw new Error('A tensor of the model has no name.');
    if (path.startsWith('/')) throw new Error(`'${path}' begins with '/', as names inside the file do.`);
    const other = owner.get(path) ?? name;
    owner.set(path, name);
    if (other !== name)
      throw new Error(`'${path}' is the name of two tensors of the model: ${other}, ${name}.`);
    return path;
  };
  const renamed = <T extends { readonly name: string }>(tensor: T): T => ({
    ...tensor,
    name: outside(tensor.name),
  });
  const used = new Set(model.nodes.flatMap(({ inputs }) => inputs));
  const initializers = model.inputs.flatMap(({ name }): OnnxInitializer[] => {
    if (!name.startsWith('state/') || !used.has(name)) return [];
    const { dtype, shape, data } = params[plainPath(name.slice('state/'.length))]!;
    return [{ name, dtype: dtype as 'float32' | 'int32', shape, data }];
  });
  return {
    nodes: model.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(outside),
      outputs: node.outputs.map(outside),
    })),
    initializers: [...initializers, ...model.initializers].map(renamed),
    inputs: model.inputs.filter(({ name }) => name.startsWith('inputs/')).map(renamed),
    outputs: model.outputs.map(renamed),
  };
}
