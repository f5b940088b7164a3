/**
 * A TensorFlow.js backend that computes nothing: it writes down which op was asked for. Run a program on it once,
 * and the forward pass, the gradients that TensorFlow.js's tape derives, and the optimizer are all in one graph.
 */
import * as tf from '@tensorflow/tfjs';
import { createGraphBuilder, type GraphBuilder } from '../graph/builder';
import { type ConstantData, sameShape, sizeOf, type Value, type ValueType } from '../graph/graph';
import { numbersAs } from '../numbersAs';
import { callSite } from './callSite';
import { cleanedUp } from './cleanedUp';
import { randomOpAmong, randomOpError } from './randomOps';

export const RECORDING_BACKEND = 'beit-recording';

interface Recording {
  readonly builder: GraphBuilder;
  /** Which of its values a tensor's data stands for. A tensor from outside may be used in several recordings. */
  readonly values: WeakMap<object, Value>;
  /** How many scopes of TensorFlow.js were open when it began. */
  readonly outerScopes: number;
  /** That the program asked for numbers, where it was not told so by an exception. */
  failure?: Error;
}

/** What is being recorded. TensorFlow.js has one global engine, so there is one recording at a time. */
let recording: Recording | undefined;

const OUTSIDE = 'A tensor of a traced program was used outside of its trace.';

function current(): Recording {
  if (!recording) throw new Error(OUTSIDE);
  return recording;
}

export const currentBuilder = (): GraphBuilder => current().builder;

/** The op of the traced program under way that draws random numbers, if any. */
export const currentRandomOp = (): string | undefined =>
  randomOpAmong(tf.engine().state.scopeStack.slice(current().outerScopes));

/** A tensor info, as kernels return them, that stands for a graph value. */
export function infoOf(value: Value): tf.TensorInfo {
  const dataId = {};
  current().values.set(dataId, value);
  return { dataId, shape: [...value.shape], dtype: value.dtype as tf.DataType };
}

/** The tensor that stands for a graph value. */
export const tensorOf = (value: Value): tf.Tensor => tf.engine().makeTensorFromTensorInfo(infoOf(value));

/**
 * The graph value behind a tensor. A tensor that lives on another backend was captured from outside the traced
 * function: it becomes a constant.
 *
 * @throws for a `tf.Variable` from outside: its later values would silently not be seen
 */
export function graphValue(tensor: tf.TensorInfo): Value {
  const { builder, values } = current();
  const known = values.get(tensor.dataId);
  // What TensorFlow.js reshapes or casts to a wider dtype shares its data with what it was before.
  if (known?.dtype === tensor.dtype && sameShape(known.shape, tensor.shape)) return known;
  if (tensor instanceof tf.Variable) {
    throw new Error(
      `The traced function uses the variable '${tensor.name}', whose later values the compiled program would not ` +
        'see. Pass it in as part of the state.',
    );
  }
  assertDtype(tensor.dtype);
  const data = numbersAs(tensor.dtype, (tensor as tf.Tensor).dataSync());
  const value = builder.constant(data, tensor.dtype as ValueType, tensor.shape);
  values.set(tensor.dataId, value);
  return value;
}

/** A constant; one number throughout is kept as a scalar that is broadcast, since gradients make many of them. */
export function recordConstant(data: ConstantData, dtype: ValueType, shape: readonly number[]): Value {
  const builder = currentBuilder();
  const first = data[0];
  if (data.length > 1 && data.every((x) => Object.is(x, first))) {
    return builder.emit('Broadcast', [builder.constant(data.slice(0, 1), dtype, [])], { shape });
  }
  return builder.constant(data, dtype, shape);
}

/** @param site where the tensor was made, if that is known */
function assertDtype(dtype: string, site = () => ''): void {
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
    throw new Error(
      `A tensor of dtype '${dtype}' can't be traced; expected float32, int32 or bool.${site()}`,
    );
  }
}

class RecordingBackend extends tf.KernelBackend {
  override write(data: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object {
    const dataId = {};
    const random = currentRandomOp();
    if (random !== undefined) throw randomOpError(random, shape, dtype);
    assertDtype(dtype, callSite);
    const array = numbersAs(dtype, data ?? new Float32Array(sizeOf(shape))).slice();
    current().values.set(dataId, recordConstant(array, dtype as ValueType, shape));
    return dataId;
  }
  /** Tensors from other backends: `graphValue` reads them when an op uses them. */
  override move(
    dataId: object,
    data: tf.backend_util.BackendValues,
    shape: number[],
    dtype: tf.DataType,
  ): void {
    assertDtype(dtype);
    const array = numbersAs(dtype, data).slice();
    current().values.set(dataId, recordConstant(array, dtype as ValueType, shape));
  }
  override readSync(dataId: object): never {
    const { builder, values } = current();
    const value = values.get(dataId);
    if (!value) throw new Error(OUTSIDE);
    throw new Error(
      `The traced program reads the result of '${builder.producer(value).op}' (dataSync, arraySync or data), shape ` +
        `[${value.shape}].${callSite()} While tracing there are no numbers: keep the computation in tensor ops, or ` +
        'return the tensor as an output.',
    );
  }
  /** Never comes to an end: who waits for the numbers is told by the error of the trace, which needs no one to wait. */
  override read(dataId: object): Promise<never> {
    if (!recording?.values.has(dataId)) return Promise.reject(new Error(OUTSIDE));
    recording.failure ??= asError(() => this.readSync(dataId));
    return new Promise(() => {});
  }
  override numDataIds(): number {
    return 0;
  }
  /** A variable made while tracing shares the data of its first value. */
  private readonly sharers = new WeakMap<object, number>();
  override disposeData(dataId: object): boolean {
    const left = this.refCount(dataId) - 1;
    this.sharers.set(dataId, left);
    return left <= 0;
  }
  override incRef(dataId: object): void {
    this.sharers.set(dataId, this.refCount(dataId) + 1);
  }
  override refCount(dataId: object): number {
    return this.sharers.get(dataId) ?? 1;
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override memory() {
    return { unreliable: true, reasons: ['nothing is allocated while tracing'] };
  }
  override dispose(): void {}
}

function asError(f: () => never): Error {
  try {
    return f();
  } catch (error) {
    return error as Error;
  }
}

let registered = false;

/**
 * Runs `program` on the recording backend with a fresh graph, and gives the backend back as it was.
 *
 * @returns what `program` returned, and the builder that holds the graph
 */
export function record<R>(registerKernels: () => void, program: (builder: GraphBuilder) => R): R {
  if (recording) throw new Error('A trace is under way already: compile() does not nest.');
  if (!registered) {
    tf.registerBackend(RECORDING_BACKEND, () => new RecordingBackend(), 0);
    registerKernels();
    registered = true;
  }
  // Asking for the backend makes sure that there is one to go back to.
  tf.backend();
  const previous = tf.getBackend();
  const engine = tf.engine();
  const outerScopes = engine.state.scopeStack.length;
  const outerVariables = new Set(Object.keys(engine.registeredVariables));
  const builder = createGraphBuilder();
  const now: Recording = { builder, values: new WeakMap(), outerScopes };
  recording = now;
  const { assign } = tf.Variable.prototype;
  tf.Variable.prototype.assign = refusedAssign(assign);
  tf.setBackend(RECORDING_BACKEND);
  engine.startScope('trace');
  try {
    return cleanedUp(() => {
      const result = program(builder);
      if (now.failure) throw now.failure;
      return result;
    });
  } finally {
    for (const [name, variable] of Object.entries(engine.registeredVariables)) {
      if (!outerVariables.has(name)) variable.dispose();
    }
    while (engine.state.scopeStack.length > outerScopes) engine.endScope();
    tf.Variable.prototype.assign = assign;
    recording = undefined;
    tf.setBackend(previous);
  }
}

/** A variable from outside would lose its value for a tensor that has none. */
const refusedAssign = (assign: tf.Variable['assign']) =>
  function (this: tf.Variable, value: tf.Tensor): void {
    if (!current().values.has(this.dataId)) {
      throw new Error(
        `The traced program assigns to the variable '${this.name}', which would happen once, not at every run.` +
          `${callSite()} Pass it in as part of the state, and return its new value there.`,
      );
    }
    assign.call(this, value);
  };
