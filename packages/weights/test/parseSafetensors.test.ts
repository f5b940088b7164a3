import { assertHostTensor, type HostTensor, type NamedTensors } from '@beit/tensors';
import fc from 'fast-check';
import { MAX_HEADER_BYTES } from '../src/parseHeader';
import { parseSafetensors } from '../src/parseSafetensors';
import { serializePieces, serializeSafetensors } from '../src/serializeSafetensors';

/** A file with this header, as an object or as raw text, and this many (or these) data bytes. */
function file(header: unknown, data: number | Uint8Array = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const body = typeof data === 'number' ? new Uint8Array(data) : data;
  const out = new Uint8Array(8 + json.length + body.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  out.set(body, 8 + json.length);
  return out;
}

const entry = (dtype: unknown, shape: unknown, begin: unknown, end: unknown) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

const hostTensor: fc.Arbitrary<HostTensor> = fc
  .tuple(fc.constantFrom('float32', 'int32', 'uint8'), fc.array(fc.nat(4), { maxLength: 4 }))
  .chain(([dtype, shape]): fc.Arbitrary<HostTensor> => {
    const length = shape.reduce((a, b) => a * b, 1);
    const exactly = { minLength: length, maxLength: length };
    if (dtype === 'float32') return fc.float32Array(exactly).map((data) => ({ dtype, shape, data }));
    if (dtype === 'int32') return fc.int32Array(exactly).map((data) => ({ dtype, shape, data }));
    return fc.uint8Array(exactly).map((data) => ({ dtype: 'uint8', shape, data }));
  });
const name = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('constructor', 'toString', 'hasOwnProperty', '', '"'),
  )
  .filter((text) => text !== '__proto__' && text !== '__metadata__' && !text.includes('\\'));
const namedTensors: fc.Arbitrary<NamedTensors> = fc.dictionary(name, hostTensor, {
  maxKeys: 6,
  noNullPrototype: true,
});

describe('round trip', () => {
  // JSON.parse of some versions of V8 takes one such key for another.
  test('names of quotes and backslashes are right, or refused', () => {
    const zero: HostTensor = { dtype: 'uint8', shape: [0], data: new Uint8Array() };
    for (const odd of ['\\', '"', '\\"', '"\\', '\\\\', '\n', '\\', '"']) {
      let names: string[] | undefined;
      try {
        names = Object.keys(parseSafetensors(serializeSafetensors({ x: zero, [odd]: zero })).tensors);
      } catch (error) {
        expect((error as Error).message).toMatch(/misreads the safetensors key/);
      }
      if (names) expect(names.sort()).toEqual(['x', odd].sort());
    }
  });
  test('what is serialized is parsed back, bit for bit', () => {
    fc.assert(
      fc.property(namedTensors, fc.dictionary(name, fc.string()), (tensors, metadata) => {
        const parsed = parseSafetensors(serializeSafetensors(tensors, metadata));
        expect({ ...parsed.metadata }).toEqual(metadata);
        expect(Object.keys(parsed.tensors).sort()).toEqual(Object.keys(tensors).sort());
        for (const [key, tensor] of Object.entries(tensors)) {
          const { dtype, shape, data } = parsed.tensors[key]!;
          expect({ dtype, shape }).toEqual({ dtype: tensor.dtype, shape: tensor.shape });
          const bits = (array: HostTensor['data']) =>
            Buffer.from(array.buffer, array.byteOffset, array.byteLength);
          expect(bits(data).equals(bits(tensor.data))).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('equal content gives equal bytes whatever the order, and every tensor is aligned', () => {
    const a: HostTensor = { dtype: 'uint8', shape: [3], data: Uint8Array.of(1, 2, 3) };
    const b: HostTensor = { dtype: 'float32', shape: [2], data: Float32Array.of(4, 5) };
    const bytes = serializeSafetensors({ a, b });
    expect(serializeSafetensors({ b, a })).toEqual(bytes);
    expect(parseSafetensors(bytes).tensors.b!.data.buffer).toBe(bytes.buffer);
  });

  test("pieces are the tensors' own memory, so large states are not copied", () => {
    const data = Float32Array.of(1, 2, 3).subarray(1);
    const [, piece] = serializePieces({ x: { dtype: 'float32', shape: [2], data } });
    expect(piece!.buffer).toBe(data.buffer);
    expect([piece!.byteOffset, piece!.byteLength]).toEqual([4, 8]);
  });

  test('unaligned data is copied, aligned data is shared', () => {
    const bytes = file(
      { a: entry('U8', [1], 0, 1), b: entry('F32', [1], 1, 5) },
      Uint8Array.of(7, 0, 0, 0x80, 0x3f),
    );
    const { a, b } = parseSafetensors(bytes).tensors;
    expect([...a!.data, ...b!.data]).toEqual([7, 1]);
    expect(a!.data.buffer).toBe(bytes.buffer);
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect([...parseSafetensors(shifted.subarray(1)).tensors.b!.data]).toEqual([1]);
  });
});

describe('stored types', () => {
  const u8 = (...arrays: ArrayBufferView[]) =>
    Uint8Array.from(arrays.flatMap((array) => [...new Uint8Array(array.buffer)]));
  test.each([
    ['BOOL', Uint8Array.of(0, 1), 'uint8', [0, 1]],
    ['U8', Uint8Array.of(0, 255), 'uint8', [0, 255]],
    ['I8', Int8Array.of(-128, 127), 'int32', [-128, 127]],
    ['I16', Int16Array.of(-32768, 32767), 'int32', [-32768, 32767]],
    ['U16', Uint16Array.of(0, 65535), 'int32', [0, 65535]],
    ['I32', Int32Array.of(-(2 ** 31), 2 ** 31 - 1), 'int32', [-(2 ** 31), 2 ** 31 - 1]],
    ['U32', Uint32Array.of(0, 2 ** 31 - 1), 'int32', [0, 2 ** 31 - 1]],
    ['I64', BigInt64Array.of(-(2n ** 31n), 5n), 'int32', [-(2 ** 31), 5]],
    ['U64', BigUint64Array.of(0n, 7n), 'int32', [0, 7]],
    ['F32', Float32Array.of(-0, 1.5), 'float32', [-0, 1.5]],
    ['F64', Float64Array.of(0.1, -1e300), 'float32', [Math.fround(0.1), -Infinity]],
    ['BF16', Uint16Array.of(0x3f80, 0xc049), 'float32', [1, -3.140625]],
  ])('%s', (dtype, data, becomes, values) => {
    const size = data.byteLength;
    const { x } = parseSafetensors(file({ x: entry(dtype, [2], 0, size) }, u8(data))).tensors;
    expect({ dtype: x!.dtype, values: [...x!.data] }).toEqual({ dtype: becomes, values });
  });

  test('F16: every bit pattern agrees with the definition', () => {
    const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const { x } = parseSafetensors(file({ x: entry('F16', [65536], 0, 131072) }, u8(patterns))).tensors;
    // Spot values of IEEE 754 binary16: least subnormal, greatest subnormal, least normal, 1/3, greatest, infinities, NaN.
    const value = (bits: number) => x!.data[bits];
    expect(
      [0x0001, 0x03ff, 0x0400, 0x3555, 0x3c00, 0x7bff, 0x7c00, 0xfc00, 0x8000, 0xc000].map(value),
    ).toEqual([2 ** -24, 1023 * 2 ** -24, 2 ** -14, 0.333251953125, 1, 65504, Infinity, -Infinity, -0, -2]);
    expect(value(0x7e01)).toBeNaN();
    for (let bits = 1; bits < 0x7c00; bits++) expect(value(bits)! > value(bits - 1)!).toBe(true);
  });

  test('F16 is written as the nearest of all its values, ties to even', () => {
    const every = Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits);
    const values = parseSafetensors(file({ x: entry('F16', [every.length], 0, 2 * every.length) }, u8(every)))
      .tensors.x!.data as Float32Array;
    const written = (data: Float32Array) => {
      const x = { dtype: 'float32', shape: [data.length], data } as const;
      return parseSafetensors(serializeSafetensors({ x }, {}, { floats: 'F16' })).tensors.x!.data;
    };
    expect(written(values)).toEqual(values);
    expect([...written(Float32Array.of(-0, Infinity, -Infinity, Number.NaN, 65519))]).toEqual([
      -0,
      Infinity,
      -Infinity,
      Number.NaN,
      65504,
    ]);
    // Halfway between neighbours, and a little to both sides; the even one has the even bits.
    const step = new Uint32Array(1);
    const nextTo = (value: number, by: -1 | 1) => {
      new Float32Array(step.buffer)[0] = value;
      step[0]! += by;
      return new Float32Array(step.buffer)[0]!;
    };
    const pairs = [...every.subarray(1)].map((bits) => ({
      bits,
      low: values[bits - 1]!,
      high: values[bits]!,
    }));
    const middles = Float32Array.from(pairs, ({ low, high }) => (low + high) / 2);
    expect(written(middles)).toEqual(
      Float32Array.from(pairs, ({ bits, low, high }) => (bits % 2 === 0 ? high : low)),
    );
    expect(written(middles.map((value) => nextTo(value, 1)))).toEqual(
      Float32Array.from(pairs, ({ high }) => high),
    );
    expect(written(middles.map((value) => -nextTo(value, -1)))).toEqual(
      Float32Array.from(pairs, ({ low }) => -low),
    );
  });

  test('F16: other types stay, alignment holds, and what it cannot hold is an error', () => {
    const tensors: NamedTensors = {
      a: { dtype: 'uint8', shape: [3], data: Uint8Array.of(1, 2, 3) },
      b: { dtype: 'float32', shape: [3], data: Float32Array.of(1, 2, 3) },
      c: { dtype: 'int32', shape: [1], data: Int32Array.of(7) },
    };
    expect({ ...parseSafetensors(serializeSafetensors(tensors, {}, { floats: 'F16' })).tensors }).toEqual(
      tensors,
    );
    const large = { w: { dtype: 'float32', shape: [2], data: Float32Array.of(0, -65520) } } as const;
    expect(() => serializeSafetensors(large, {}, { floats: 'F16' })).toThrow(/"w" holds -65520 at element 1/);
  });

  test('an integer beyond int32 is an error that names tensor and value', () => {
    const bytes = file({ x: entry('I64', [1], 0, 8) }, u8(BigInt64Array.of(2n ** 40n)));
    expect(() => parseSafetensors(bytes)).toThrow(/"x".*1099511627776/);
  });

  test('an unsupported type is named', () => {
    expect(() => parseSafetensors(file({ x: entry('F8_E4M3', [1], 0, 1) }, 1))).toThrow(/"x".*F8_E4M3/);
  });
});

describe('hostile files are errors', () => {
  const good = entry('F32', [1], 0, 4);
  test.each<[string, Uint8Array, RegExp]>([
    ['empty', new Uint8Array(0), /0 bytes/],
    ['seven bytes', new Uint8Array(7), /7 bytes/],
    [
      'header longer than the file',
      Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 123),
      /claims 18446744073709551615/,
    ],
    ['header of no length', new Uint8Array(8), /JSON/],
    ['not JSON', file('{"a":'), /JSON/],
    ['not UTF-8', file({}, 0).with(8, 0xff), /JSON/],
    ['an array', file('[]'), /JSON object/],
    ['leading space', file(' {}'), /JSON object/],
    ['null', file('null'), /JSON object/],
    ['entry is a number', file({ a: 1 }), /"a".*object/],
    ['no dtype', file({ a: { shape: [], data_offsets: [0, 4] } }, 4), /dtype undefined/],
    ['dtype of the prototype', file({ a: entry('constructor', [], 0, 0) }), /dtype "constructor"/],
    ['negative side', file({ a: entry('F32', [-1], 0, 4) }, 4), /shape \[-1\]/],
    ['fractional side', file({ a: entry('F32', [0.5], 0, 2) }, 2), /shape/],
    ['shape is text', file({ a: entry('F32', '1', 0, 4) }, 4), /shape/],
    ['huge product', file({ a: entry('F32', [2 ** 40, 2 ** 40], 0, 4) }, 4), /too large/],
    ['huge product times zero', file({ a: entry('F32', [2 ** 40, 2 ** 40, 0], 0, 0) }), /too large/],
    ['huge side', file('{"a":{"dtype":"F32","shape":[1e300],"data_offsets":[0,4]}}', 4), /shape/],
    ['offsets reversed', file({ a: entry('F32', [1], 4, 0) }, 4), /data_offsets/],
    ['offset negative', file({ a: entry('F32', [1], -4, 0) }, 4), /data_offsets/],
    ['offset missing', file({ a: { dtype: 'F32', shape: [1], data_offsets: [0] } }, 4), /data_offsets/],
    ['offset not an integer', file({ a: entry('F32', [1], 0, '4') }, 4), /data_offsets/],
    ['range is not the shape', file({ a: entry('F32', [2], 0, 4) }, 4), /needs 8 bytes/],
    ['beyond the file', file({ a: entry('F32', [1000], 0, 4000) }, 4), /truncated/],
    ['bytes left over', file({ a: good }, 8), /extra bytes/],
    ['overlap', file({ a: good, b: good }, 4), /overlap/],
    ['gap', file({ a: good, b: entry('F32', [1], 8, 12) }, 12), /gaps/],
    [
      'the same name twice',
      file(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        4,
      ),
      /twice/,
    ],
    [
      'a field twice',
      file('{"a":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
      /twice/,
    ],
    ['__proto__', file('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), /__proto__/],
    [
      '__proto__, escaped',
      file('{"__pr\\u006fto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
      /__proto__/,
    ],
    ['__proto__ in the metadata', file('{"__metadata__":{"__proto__":"x"}}'), /__proto__/],
    ['metadata of numbers', file({ __metadata__: { a: 1 } }), /strings/],
    ['metadata null', file({ __metadata__: null }), /strings/],
    ['objects in arrays', file('{"a":[{"b":{"c":{"d":1}}}]}'), /description must be a JSON object/],
    ['deep nesting', file(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`), /object|JSON/],
  ])('%s', (_, bytes, message) => {
    expect(() => parseSafetensors(bytes)).toThrow(message);
  });

  test('a header beyond the cap is refused before it is parsed', () => {
    const bytes = new Uint8Array(8 + MAX_HEADER_BYTES + 8).fill(0x20);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(MAX_HEADER_BYTES + 8), true);
    expect(() => parseSafetensors(bytes)).toThrow(/at most/);
  });

  test('a name from the prototype is only a name', () => {
    const { tensors, metadata } = parseSafetensors(
      file({ __metadata__: { toString: 'x' }, constructor: good }, 4),
    );
    expect(Object.keys(tensors)).toEqual(['constructor']);
    expect(tensors.hasOwnProperty).toBeUndefined();
    expect(metadata.toString).toBe('x');
  });

  test('any damage to a file gives an error or whole tensors, nothing else', () => {
    const bytes = serializeSafetensors(
      {
        'blocks.0.weight': { dtype: 'float32', shape: [2, 3], data: new Float32Array(6) },
        ids: { dtype: 'int32', shape: [2], data: Int32Array.of(1, 2) },
        mask: { dtype: 'uint8', shape: [5], data: new Uint8Array(5) },
      },
      { step: '1' },
    );
    let refused = 0;
    const change = fc.tuple(
      fc.nat(bytes.length - 1),
      fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('0123456789-.eE"\\{}[],:'))),
    );
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.nat(bytes.length),
        fc.boolean(),
        (changes, cut, truncate) => {
          const damaged = bytes.slice(0, truncate ? cut : bytes.length);
          for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
          try {
            for (const [key, tensor] of Object.entries(parseSafetensors(damaged).tensors))
              assertHostTensor(key, tensor);
          } catch (error) {
            expect((error as Error).message).toMatch(/safetensors|Tensor "|JSON|header/);
            refused++;
          }
        },
      ),
      { numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(1000);
  });
});

describe('serializing checks its input', () => {
  const one: HostTensor = { dtype: 'float32', shape: [1], data: Float32Array.of(1) };
  test.each<[string, NamedTensors, RegExp]>([
    ['reserved name', { __metadata__: one }, /reserves/],
    ['__proto__', Object.fromEntries([['__proto__', one]]), /__proto__/],
    ['shape and data differ', { x: { ...one, shape: [2] } }, /"x".*2 elements.*holds 1/],
    ['dtype and data differ', { x: { ...one, dtype: 'int32' } }, /Int32Array/],
    ['unknown dtype', { x: { ...one, dtype: 'float64' as 'float32' } }, /float64/],
    ['fractional shape', { x: { ...one, shape: [0.5, 2] } }, /shape/],
  ])('%s', (_, tensors, message) => {
    expect(() => serializeSafetensors(tensors)).toThrow(message);
  });

  test('metadata must be text', () => {
    expect(() => serializeSafetensors({}, { a: 1 as unknown as string })).toThrow(/"a" must be a string/);
  });
});
