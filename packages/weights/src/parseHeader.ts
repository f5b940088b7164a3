import { isStoredDType, STORED_DTYPES, type StoredDType } from './storedDType';

/** Where one tensor lies in a safetensors file. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  /** Byte range `[begin, end)` counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: readonly StoredTensor[];
  readonly metadata: Record<string, string>;
}

/** The eight bytes before the header: its length, unsigned and little-endian. */
export const PREFIX_BYTES = 8;

/**
 * Longest header that is read, about 100,000 tensors. The reference allows 100 MB, but parsed JSON takes many times
 * its text, so a file of that size made of empty arrays could exhaust the heap.
 */
export const MAX_HEADER_BYTES = 16 * 2 ** 20;

/** Length of the header, from the first eight bytes of a file of `fileBytes` bytes. */
export function parseHeaderLength(prefix: Uint8Array, fileBytes: number): number {
  if (fileBytes < PREFIX_BYTES || prefix.length < PREFIX_BYTES) {
    throw new Error(
      `Not a safetensors file: it has ${fileBytes} bytes; at least ${PREFIX_BYTES} are needed.`,
    );
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES).getBigUint64(0, true);
  if (length > BigInt(fileBytes - PREFIX_BYTES)) {
    throw new Error(
      `Not a safetensors file, or a truncated one: its header claims ${length} bytes, but only ${fileBytes - PREFIX_BYTES} follow.`,
    );
  }
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new Error(`safetensors header of ${length} bytes; at most ${MAX_HEADER_BYTES} are read.`);
  }
  return Number(length);
}

/**
 * Parses and checks a header against the number of data bytes that follow it. As in the reference, the tensors must
 * cover the data exactly: no gap, no overlap, nothing left over.
 */
export function parseHeader(header: Uint8Array, dataBytes: number): SafetensorsHeader {
  const entries = Object.entries(parseJsonObject(header));
  const metadata: Record<string, string> = Object.create(null);
  const tensors: StoredTensor[] = [];
  for (const [name, value] of entries) {
    if (name === '__metadata__') Object.assign(metadata, checkMetadata(value));
    else tensors.push(checkTensor(name, value));
  }
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of tensors) {
    if (begin !== covered) {
      throw new Error(
        `Tensor "${name}" starts at byte ${begin}; expected ${covered}: tensors must neither overlap nor leave gaps.`,
      );
    }
    covered = end;
  }
  if (covered !== dataBytes) {
    throw new Error(
      `The header describes ${covered} bytes of tensors, but ${dataBytes} bytes follow it: ` +
        (covered > dataBytes ? 'the file is truncated.' : 'the file has extra bytes.'),
    );
  }
  return { tensors, metadata };
}

function parseJsonObject(header: Uint8Array): object {
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new Error('The safetensors header is not valid JSON in UTF-8.', { cause });
  }
  if (text[0] !== '{' || !isObject(parsed)) {
    throw new Error(
      `The safetensors header must be a JSON object that starts with "{"; it starts with ${JSON.stringify(text.slice(0, 1))}.`,
    );
  }
  assertKeys(text, parsed);
  return parsed;
}

/**
 * Holds the keys of `parsed` against its `text`, which is known to be valid JSON. `JSON.parse` silently keeps the last of
 * equal keys; and that of V8 14.6 (Node 26) takes the key "\"" for "\\" where it met an object with that key before.
 */
function assertKeys(text: string, parsed: object): void {
  const open: { readonly value: unknown; readonly keys: Set<string> }[] = [];
  let lastString = '';
  let value: unknown = parsed;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === '{' || token === '[') open.push({ value, keys: new Set() });
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const key = JSON.parse(lastString) as string;
      if (key === '__proto__')
        throw new Error('The safetensors header uses "__proto__" as a name; rename it.');
      const { value: owner, keys } = open.at(-1)!;
      if (keys.has(key)) throw new Error(`The safetensors header has the key ${lastString} twice.`);
      keys.add(key);
      if (isObject(owner) && !Object.hasOwn(owner, key))
        throw new Error(`This JavaScript engine misreads the safetensors key ${lastString}; rename it.`);
      value = isObject(owner) ? (owner as Record<string, unknown>)[key] : undefined;
    } else lastString = token;
  }
}

function checkMetadata(value: unknown): Record<string, string> {
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string')) {
    throw new Error('The safetensors header\'s "__metadata__" must map strings to strings.');
  }
  return value as Record<string, string>;
}

function checkTensor(name: string, value: unknown): StoredTensor {
  if (!isObject(value)) throw new Error(`Tensor "${name}": its description must be a JSON object.`);
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (!isStoredDType(dtype)) {
    throw new Error(
      `Tensor "${name}" has dtype ${JSON.stringify(dtype)}; supported are ${Object.keys(STORED_DTYPES).join(', ')}.`,
    );
  }
  if (!isSizes(shape)) {
    throw new Error(`Tensor "${name}" has shape ${JSON.stringify(shape)}; expected non-negative integers.`);
  }
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw new Error(
      `Tensor "${name}" has data_offsets ${JSON.stringify(offsets)}; expected [begin, end], begin <= end.`,
    );
  }
  const [begin, end] = offsets as [number, number];
  let bytes: number = STORED_DTYPES[dtype].bytes;
  for (const side of shape) {
    bytes *= side;
    if (!Number.isSafeInteger(bytes)) {
      throw new Error(`Tensor "${name}" of shape [${shape}] is too large: its size is not a safe integer.`);
    }
  }
  if (bytes !== end - begin) {
    throw new Error(
      `Tensor "${name}" of shape [${shape}] and dtype ${dtype} needs ${bytes} bytes, but its data_offsets [${begin}, ${end}] span ${end - begin}.`,
    );
  }
  return { name, dtype, shape, begin, end };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.every((side) => Number.isSafeInteger(side) && side >= 0 && !Object.is(side, -0))
  );
}
