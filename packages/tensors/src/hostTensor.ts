/** Element types that programs use. Files may hold others; they are converted on read (see `convertStored`). */
export type DType = 'float32' | 'int32' | 'uint8';

/** An array on the host: `data.length` is the product of `shape` (1 for a scalar, `[]`), row-major. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** Arrays by name; a model's parameters under their checkpoint names, for instance. */
export type NamedTensors = Record<string, HostTensor>;

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array } as const;

/** Number of elements of `shape`: 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/** Zeros of `shape` (float32 unless told). */
export function zeros(shape: readonly number[], dtype: DType = 'float32'): HostTensor {
  return { dtype, shape: [...shape], data: new ARRAYS[dtype](sizeOf(shape)) };
}

/** A float32 scalar, shape `[]`: the form in which learning rates and other per-step numbers enter a program. */
export function scalar(value: number): HostTensor {
  return { dtype: 'float32', shape: [], data: Float32Array.of(value) };
}

/** Throws unless dtype, shape and data of `tensor` agree; `name` is for the message. */
export function assertHostTensor(name: string, tensor: HostTensor): void {
  const array = Object.hasOwn(ARRAYS, tensor.dtype) ? ARRAYS[tensor.dtype] : undefined;
  if (array === undefined) {
    throw new TypeError(
      `Tensor "${name}" has dtype ${String(tensor.dtype)}; expected float32, int32 or uint8.`,
    );
  }
  // By tag, not instanceof: arrays of another realm (workers, test sandboxes, native add-ons) are as good.
  if (tensor.data?.[Symbol.toStringTag] !== array.name) {
    throw new TypeError(`Tensor "${name}" is ${tensor.dtype}, so its data must be a ${array.name}.`);
  }
  if (!tensor.shape.every((side) => Number.isSafeInteger(side) && side >= 0)) {
    throw new RangeError(`Tensor "${name}" has shape [${tensor.shape}]; expected non-negative integers.`);
  }
  if (sizeOf(tensor.shape) !== tensor.data.length) {
    throw new RangeError(
      `Tensor "${name}" has shape [${tensor.shape}], so ${sizeOf(tensor.shape)} elements, but holds ${tensor.data.length}.`,
    );
  }
}

/** The same tensors with arrays of their own: those of a program's state are the engine's. */
export const cloneTensors = (tensors: NamedTensors): NamedTensors =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]),
  );
