/** The bytes of an array, in place. */
export const bytesOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const pointedTo = new WeakMap<Uint8Array, readonly ArrayBufferView[]>();

/**
 * Bytes with addresses of other memory of ours in them, which the garbage collector cannot see: that memory stays as long as
 * these bytes.
 */
export function pointing(bytes: Uint8Array, to: readonly ArrayBufferView[]): Uint8Array {
  pointedTo.set(bytes, to);
  return bytes;
}
