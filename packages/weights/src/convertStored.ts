import type { HostTensor } from '@beit/tensors';
import { STORED_DTYPES, type StoredDType } from './storedDType';

/**
 * A stored tensor's bytes (little-endian) as a host tensor. U8, BOOL, I32 and F32 share memory with `bytes` when
 * these are aligned and are copied when not; the other types are converted: F16, BF16 exactly and F64 rounded to
 * float32; the integers to int32. A 32-bit unsigned or 64-bit value outside int32 is an error.
 */
export function convertStored(
  name: string,
  stored: StoredDType,
  shape: readonly number[],
  bytes: Uint8Array,
): HostTensor {
  assertLittleEndian();
  const { buffer, byteOffset, byteLength } = aligned(bytes, STORED_DTYPES[stored].bytes);
  const length = byteLength / STORED_DTYPES[stored].bytes;
  const float32 = (data: Float32Array): HostTensor => ({ dtype: 'float32', shape, data });
  const int32 = (data: Int32Array): HostTensor => ({ dtype: 'int32', shape, data });
  switch (stored) {
    case 'BOOL':
    case 'U8':
      return { dtype: 'uint8', shape, data: new Uint8Array(buffer, byteOffset, length) };
    case 'I32':
      return int32(new Int32Array(buffer, byteOffset, length));
    case 'F32':
      return float32(new Float32Array(buffer, byteOffset, length));
    case 'I8':
      return int32(Int32Array.from(new Int8Array(buffer, byteOffset, length)));
    case 'I16':
      return int32(Int32Array.from(new Int16Array(buffer, byteOffset, length)));
    case 'U16':
      return int32(Int32Array.from(new Uint16Array(buffer, byteOffset, length)));
    case 'U32':
      return int32(narrow(name, stored, new Uint32Array(buffer, byteOffset, length)));
    case 'I64':
      return int32(narrow(name, stored, new BigInt64Array(buffer, byteOffset, length)));
    case 'U64':
      return int32(narrow(name, stored, new BigUint64Array(buffer, byteOffset, length)));
    case 'F64':
      return float32(Float32Array.from(new Float64Array(buffer, byteOffset, length)));
    case 'BF16':
      return float32(widenBfloat16(new Uint16Array(buffer, byteOffset, length)));
    case 'F16':
      return float32(widenFloat16(new Uint16Array(buffer, byteOffset, length)));
  }
}

function aligned(bytes: Uint8Array, elementBytes: number): Uint8Array {
  // Not `slice`, which copies nothing when `bytes` is a Buffer of Node.
  return bytes.byteOffset % elementBytes === 0 ? bytes : new Uint8Array(bytes);
}

function narrow(
  name: string,
  stored: StoredDType,
  values: Uint32Array | BigInt64Array | BigUint64Array,
): Int32Array {
  const out = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value > 2147483647 || value < -2147483648) {
      throw new RangeError(
        `Tensor "${name}" is ${stored} and holds ${value} at element ${i}, which int32 cannot hold. ` +
          'Leave this tensor out, or store it as I32 or F32.',
      );
    }
    out[i] = Number(value);
  }
  return out;
}

/** bfloat16 is the upper half of a float32. */
function widenBfloat16(values: Uint16Array): Float32Array {
  const bits = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = values[i]! << 16;
  return new Float32Array(bits.buffer);
}

let float16Values: Float32Array | undefined;

/** By table, as there are only 65,536 values: files of half precision are large. */
function widenFloat16(values: Uint16Array): Float32Array {
  float16Values ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => float16Value(bits));
  const out = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = float16Values[values[i]!]!;
  return out;
}

/** IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

export function assertLittleEndian(): void {
  if (!LITTLE_ENDIAN) {
    throw new Error('safetensors files are little-endian; big-endian machines are not supported.');
  }
}
