/**
 * TensorBoard event files: TFRecord frames around `Event` protocol buffers.
 * Reference: tensorflow/core/util/event.proto, core/framework/summary.proto, core/lib/io/record_writer.cc.
 */
import { maskedCrc32c } from './crc32c';

export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  /** Values by tag: `train/loss`. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** The record that every event file starts with. */
export function fileVersionRecord(wallTime: number): Uint8Array {
  return frame(concat([double(1, wallTime), text(3, 'brain.Event:2')]));
}

/** Tells TensorBoard that a run goes on from `step`: it drops what earlier files have from there on. */
export function restartRecord(wallTime: number, step: number): Uint8Array {
  const SESSION_START = 1;
  return frame(concat([double(1, wallTime), varintField(2, step), bytes(7, varintField(1, SESSION_START))]));
}

export function scalarRecord({ wallTime, step, scalars }: ScalarEvent): Uint8Array {
  const values = Object.entries(scalars).map(([tag, value]) =>
    bytes(1, concat([text(1, tag), float(2, value)])),
  );
  return frame(concat([double(1, wallTime), varintField(2, step), bytes(5, concat(values))]));
}

/** Length (uint64), its checksum, the data, their checksum; little-endian. */
function frame(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + 4 + data.length + 4);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(out.subarray(0, 8)), true);
  out.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return out;
}

// Protocol buffers: a key (field number and wire type), then the value. `@beit/compile` writes them too, but as pieces of
// a file of gigabytes that is copied once, and no package that both depend on is about file formats.
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.from([...out, rest]);
}

const key = (field: number, wireType: number) => varint(field * 8 + wireType);
const varintField = (field: number, value: number) => concat([key(field, VARINT), varint(value)]);
const double = (field: number, value: number) =>
  concat([key(field, FIXED64), new Uint8Array(Float64Array.of(value).buffer)]);
const float = (field: number, value: number) =>
  concat([key(field, FIXED32), new Uint8Array(Float32Array.of(value).buffer)]);
const bytes = (field: number, value: Uint8Array) =>
  concat([key(field, LENGTH_DELIMITED), varint(value.length), value]);
const text = (field: number, value: string) => bytes(field, new TextEncoder().encode(value));

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
