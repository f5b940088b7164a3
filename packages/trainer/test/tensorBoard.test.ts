import fc from 'fast-check';
import { crc32c, maskedCrc32c } from '../src/crc32c';
import { fileVersionRecord, restartRecord, scalarRecord } from '../src/tensorBoard';

describe('crc32c', () => {
  // RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  test.each([
    ['32 bytes of zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['32 incrementing bytes', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['32 decrementing bytes', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ['123456789', new TextEncoder().encode('123456789'), 0xe3069283],
  ])('%s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });
});

/** Frames of a TFRecord file, their checksums checked. */
function readFrames(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.length) {
    const length = Number(view.getBigUint64(at, true));
    expect(view.getUint32(at + 8, true)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(view.getUint32(at + 12 + length, true)).toBe(maskedCrc32c(data));
    frames.push(data);
    at += 16 + length;
  }
  return frames;
}

type Field = { field: number; value: number | Uint8Array };

/** A reader of protocol buffers of its own, from the encoding's description. */
function readMessage(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(value);
    }
  };
  const take = (length: number) => {
    at += length;
    return at - length;
  };
  const fields: Field[] = [];
  while (at < bytes.length) {
    const key = varint();
    const field = key >> 3;
    const wire = key & 7;
    if (wire === 0) fields.push({ field, value: varint() });
    else if (wire === 1) fields.push({ field, value: view.getFloat64(take(8), true) });
    else if (wire === 5) fields.push({ field, value: view.getFloat32(take(4), true) });
    else if (wire === 2) {
      const length = varint();
      fields.push({ field, value: bytes.subarray(take(length), at) });
    } else throw new Error(`wire type ${wire}`);
  }
  return fields;
}

const field = (fields: Field[], number: number) =>
  fields.find((candidate) => candidate.field === number)?.value;
const text = (value: number | Uint8Array | undefined) => new TextDecoder().decode(value as Uint8Array);

test('the frame of the first record is the one that TensorFlow writes', () => {
  const record = fileVersionRecord(1.5e9);
  // A 24-byte event, the masked checksum of that length, then field 1 as a double.
  expect([...record.subarray(0, 13)]).toEqual([24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22, 9]);
});

test('a file begins with its version; a restart names its step', () => {
  const [version, restart] = readFrames(Buffer.concat([fileVersionRecord(1.5e9), restartRecord(1.5e9, 301)]));
  expect(field(readMessage(version!), 1)).toBe(1.5e9);
  expect(text(field(readMessage(version!), 3))).toBe('brain.Event:2');
  const event = readMessage(restart!);
  expect(field(event, 2)).toBe(301);
  expect(readMessage(field(event, 7) as Uint8Array)).toEqual([{ field: 1, value: 1 }]);
});

test('scalars are read back', () => {
  const scalars = fc.dictionary(fc.string({ minLength: 1, unit: 'grapheme' }), fc.float({ noNaN: true }));
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 50 }), scalars, (step, values) => {
      const [frame] = readFrames(scalarRecord({ wallTime: 1234.5, step, scalars: values }));
      const event = readMessage(frame!);
      expect([field(event, 1), field(event, 2)]).toEqual([1234.5, step]);
      const summary = readMessage(field(event, 5) as Uint8Array).map(({ value }) =>
        readMessage(value as Uint8Array),
      );
      expect(summary.map((value) => [text(field(value, 1)), field(value, 2)])).toEqual(
        Object.entries(values),
      );
    }),
  );
});
