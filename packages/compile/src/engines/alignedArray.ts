import { sizeOf } from '../graph/graph';
import type { Koffi } from './koffi';

export type HostArray = Float32Array | Int32Array | Uint8Array;

/** A cache line, and the widest vector register. */
const ALIGNMENT = 64;

/**
 * An array of zeros for a tensor of dtype float32, int32 or bool, whose memory begins at a cache line: wide loads then
 * touch one line, not two.
 */
export function alignedArray(koffi: Koffi, dtype: string, shape: readonly number[]): HostArray {
  const length = sizeOf(shape);
  const buffer = new ArrayBuffer((dtype === 'bool' ? length : 4 * length) + ALIGNMENT);
  const past = Number(BigInt(koffi.address(new Uint8Array(buffer))) % BigInt(ALIGNMENT));
  const offset = (ALIGNMENT - past) % ALIGNMENT;
  if (dtype === 'float32') return new Float32Array(buffer, offset, length);
  return dtype === 'int32' ? new Int32Array(buffer, offset, length) : new Uint8Array(buffer, offset, length);
}

/** Bytes that are compared at once. */
const BLOCK = 1 << 20;

/**
 * Copies numbers of the same type, but writes no block that is equal already: the zeros with which an optimizer begins
 * then take no memory until its first step, when a compiler's own has been given back.
 */
export function copyNumbers(from: HostArray, to: HostArray): void {
  const bytes = (array: HostArray) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  const [source, target] = [bytes(from), bytes(to)];
  for (let start = 0; start < source.length; start += BLOCK) {
    const block = source.subarray(start, start + BLOCK);
    if (!block.equals(target.subarray(start, start + BLOCK))) target.set(block, start);
  }
}
