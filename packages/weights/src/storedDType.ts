/**
 * The element types of safetensors files that can be read, with their size in bytes and what they become.
 * Reference: github.com/huggingface/safetensors, `Dtype` in safetensors/src/tensor.rs.
 */
export const STORED_DTYPES = {
  BOOL: { bytes: 1, becomes: 'uint8' },
  U8: { bytes: 1, becomes: 'uint8' },
  I8: { bytes: 1, becomes: 'int32' },
  I16: { bytes: 2, becomes: 'int32' },
  U16: { bytes: 2, becomes: 'int32' },
  I32: { bytes: 4, becomes: 'int32' },
  U32: { bytes: 4, becomes: 'int32' },
  I64: { bytes: 8, becomes: 'int32' },
  U64: { bytes: 8, becomes: 'int32' },
  F16: { bytes: 2, becomes: 'float32' },
  BF16: { bytes: 2, becomes: 'float32' },
  F32: { bytes: 4, becomes: 'float32' },
  F64: { bytes: 8, becomes: 'float32' },
} as const;

export type StoredDType = keyof typeof STORED_DTYPES;

export function isStoredDType(value: unknown): value is StoredDType {
  return typeof value === 'string' && Object.hasOwn(STORED_DTYPES, value);
}
