import { assertHostTensor, type HostTensor, type NamedTensors } from '@beit/tensors';
import { assertLittleEndian } from './convertStored';
import { narrowFloat16 } from './narrowFloat16';
import { MAX_HEADER_BYTES, PREFIX_BYTES } from './parseHeader';

export interface SerializeOptions {
  /** How float32 is stored; F16 halves the file, with 11 significant bits of 24. Default F32. */
  readonly floats?: 'F32' | 'F16';
}

const STORED = { int32: 'I32', uint8: 'U8' } as const;

/**
 * The bytes of a safetensors file as consecutive pieces: length and header, then each tensor's own memory (copies as
 * F16), so a state of many gigabytes is never copied into one buffer. Wide types come first, then names in order, as in the
 * reference: every tensor is aligned, and equal content gives equal bytes whatever the order of the record.
 */
export function serializePieces(
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
  { floats = 'F32' }: SerializeOptions = {},
): Uint8Array[] {
  assertLittleEndian();
  const widthOf = ({ dtype, data }: HostTensor) =>
    dtype === 'float32' && floats === 'F16' ? 2 : data.BYTES_PER_ELEMENT;
  const ordered = Object.entries(tensors).sort(
    ([nameA, a], [nameB, b]) => widthOf(b) - widthOf(a) || (nameA < nameB ? -1 : 1),
  );
  const header: Record<string, unknown> = {};
  const metadataEntries = Object.entries(metadata);
  if (metadataEntries.length > 0) {
    for (const [key, text] of metadataEntries) {
      assertName(key);
      if (typeof text !== 'string')
        throw new TypeError(`Metadata "${key}" must be a string; got ${typeof text}.`);
    }
    header.__metadata__ = Object.fromEntries(metadataEntries);
  }
  let offset = 0;
  for (const [name, tensor] of ordered) {
    assertName(name);
    if (name === '__metadata__')
      throw new Error('"__metadata__" cannot be a tensor\'s name: the format reserves it.');
    assertHostTensor(name, tensor);
    const end = offset + tensor.data.length * widthOf(tensor);
    const dtype = tensor.dtype === 'float32' ? floats : STORED[tensor.dtype];
    header[name] = { dtype, shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  return [headerPiece(header), ...ordered.map(([name, tensor]) => bytesOf(name, tensor, floats))];
}

/** A safetensors file in memory. Errors: as `serializePieces`. For large states use `saveSafetensors`, which streams. */
export function serializeSafetensors(
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
  options: SerializeOptions = {},
): Uint8Array {
  const pieces = serializePieces(tensors, metadata, options);
  const out = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    out.set(piece, offset);
    offset += piece.length;
  }
  return out;
}

function headerPiece(header: object): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Padded with spaces so that the data starts aligned to eight bytes, as the reference does.
  const padded = Math.ceil(json.length / 8) * 8;
  if (padded > MAX_HEADER_BYTES) {
    throw new RangeError(
      `The safetensors header takes ${padded} bytes, more than the ${MAX_HEADER_BYTES} that are read back: fewer tensors, shorter names or less metadata.`,
    );
  }
  const piece = new Uint8Array(PREFIX_BYTES + padded).fill(0x20);
  new DataView(piece.buffer).setBigUint64(0, BigInt(padded), true);
  piece.set(json, PREFIX_BYTES);
  return piece;
}

function bytesOf(name: string, tensor: HostTensor, floats: 'F32' | 'F16'): Uint8Array {
  const data =
    tensor.dtype === 'float32' && floats === 'F16'
      ? narrowFloat16(name, tensor.data as Float32Array)
      : tensor.data;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Assigning `record['__proto__']` changes the record instead of adding to it; such a file would trap its readers. */
function assertName(name: string): void {
  if (name === '__proto__') throw new Error('"__proto__" cannot be a name in a safetensors file; rename it.');
}
