import { readFileSync } from 'node:fs';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { assertHostTensor, loadTorch, type NamedTensors, parseTorch } from '../src/index';
import {
  call,
  code,
  dict,
  global,
  integer,
  list,
  made,
  moduleOf,
  pickle,
  storage,
  tensor,
  text,
  tuple,
} from './pickleOf';
import { fields, type ZipEntry, type ZipLies, zipFile } from './zipFile';

const FIXTURES = join(__dirname, 'fixtures');
const VERSIONS = ['1.7', '2.0', '2.15'];
const fixture = (name: string) => new Uint8Array(readFileSync(join(FIXTURES, name)));

type Expected = Record<string, { shape: number[]; values: number[] }>;
const expected: Record<'state' | 'official', Expected> = JSON.parse(
  readFileSync(join(FIXTURES, 'torch.json'), 'utf8'),
);

const asExpected = (tensors: NamedTensors): Expected =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [
      name,
      { shape: [...shape], values: [...data] },
    ]),
  );

describe.each(VERSIONS)('PyTorch %s', (version) => {
  test.each(['state', 'legacy', 'protocol4'])('%s: every type and every way to lie in a storage', (kind) => {
    const { tensors, key, dropped } = parseTorch(fixture(`${kind}-${version}.pth`));
    expect(asExpected(tensors)).toEqual(expected.state);
    for (const [name, value] of Object.entries(tensors)) assertHostTensor(name, value);
    expect(
      Object.entries(tensors)
        .map(([name, { dtype }]) => [name, dtype])
        .slice(0, 10),
    ).toEqual([
      ['float32', 'float32'],
      ['float16', 'float32'],
      ['bfloat16', 'float32'],
      ['float64', 'float32'],
      ['int64', 'int32'],
      ['int32', 'int32'],
      ['int16', 'int32'],
      ['int8', 'int32'],
      ['uint8', 'uint8'],
      ['bool', 'uint8'],
    ]);
    expect([key, dropped]).toEqual([kind === 'protocol4' ? 'state_dict' : undefined, []]);
  });

  test('the structure of official checkpoints: options and optimizer are left behind', () => {
    const { tensors, key, dropped } = parseTorch(fixture(`official-${version}.pth`));
    expect(asExpected(tensors)).toEqual(expected.official);
    expect(key).toBe('model');
    expect(dropped).toEqual(['optimizer', 'epoch', 'scaler', 'args']);
  });

  test.each(['state', 'legacy', 'official'])('%s: a file gives what its bytes give', async (kind) => {
    const name = `${kind}-${version}.pth`;
    expect(await loadTorch(join(FIXTURES, name))).toEqual(parseTorch(fixture(name)));
  });

  test.each(['state', 'legacy'])('%s: every truncation is an error', (kind) => {
    const bytes = fixture(`${kind}-${version}.pth`);
    for (let length = 0; length < bytes.length; length += 11)
      expect(() => parseTorch(bytes.subarray(0, length))).toThrow(Error);
  });
});

test('bytes at odd addresses, and in a Buffer', () => {
  const bytes = fixture('state-2.15.pth');
  const odd = Buffer.alloc(bytes.length + 1);
  odd.set(bytes, 1);
  expect(asExpected(parseTorch(odd.subarray(1)).tensors)).toEqual(expected.state);
});

const FOUR = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

/** A file whose state dict is what `value` makes, with storage "0" of four floats. */
const file = (value: Uint8Array, more: ZipEntry[] = [], lies?: ZipLies) =>
  zipFile(
    [{ name: 'x/data.pkl', content: pickle(value) }, { name: 'x/data/0', content: FOUR }, ...more],
    lies,
  );

describe('where the state dict is', () => {
  const one = (offset: number) => dict(['w', tensor({ offset, shape: [1] })]);
  const first = (bytes: Uint8Array, key?: string) => {
    const found = parseTorch(bytes, key === undefined ? {} : { key });
    return [found.key, found.tensors.w!.data[0]];
  };

  test('in the order of the official code: model, module, then others', () => {
    expect(first(file(dict(['module', one(1)], ['model', one(0)])))).toEqual(['model', 1]);
    expect(first(file(dict(['model_ema', one(2)], ['module', one(1)])))).toEqual(['module', 2]);
    expect(first(file(dict(['model_ema', one(2)], ['state_dict', one(3)])))).toEqual(['state_dict', 4]);
    expect(first(file(one(2)))).toEqual([undefined, 3]);
    expect(first(file(dict(['model', one(0)], ['mine', one(3)])), 'mine')).toEqual(['mine', 4]);
  });

  test('a file without one says what it has', () => {
    expect(() => parseTorch(file(dict(['epoch', integer(3)])))).toThrow(/no state dict.*"epoch"/);
    expect(() => parseTorch(file(dict(['model', one(0)])), { key: 'ema' })).toThrow(/"ema", but "model"/);
    expect(() => parseTorch(file(tensor()))).toThrow(/a single tensor/);
    expect(() => parseTorch(file(dict()))).toThrow(/no state dict/);
  });

  test('select reads some tensors only', () => {
    const bytes = file(
      dict(
        ['a', tensor({ shape: [1] })],
        ['wide', tensor({ key: '1', type: 'LongStorage', length: 1, shape: [1] })],
      ),
      [{ name: 'x/data/1', content: fields([8, 2 ** 40]) }],
    );
    expect(() => parseTorch(bytes)).toThrow(/"wide".*int32/);
    expect(Object.keys(parseTorch(bytes, { select: (name) => name === 'a' }).tensors)).toEqual(['a']);
  });
});

test('tensors of one storage share memory where they can', () => {
  const { tensors } = parseTorch(
    file(
      dict(
        ['all', tensor()],
        ['half', tensor({ offset: 2, shape: [2] })],
        ['other', tensor({ shape: [2, 2], strides: [1, 2] })],
      ),
    ),
  );
  expect(tensors.half!.data.buffer).toBe(tensors.all!.data.buffer);
  expect([...tensors.other!.data]).toEqual([1, 3, 2, 4]);
});

describe('names that trap', () => {
  test('__proto__ is refused, others are only names', () => {
    expect(() => parseTorch(file(dict(['__proto__', tensor()])))).toThrow(/__proto__/);
    expect(Object.keys(parseTorch(file(dict(['constructor', tensor()]))).tensors)).toEqual(['constructor']);
    expect(() => parseTorch(file(dict(['__proto__', dict(['polluted', tensor()])])))).toThrow(
      /no state dict/,
    );
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('pickles that are programs are refused', () => {
  const reduce = (module: string, name: string, ...args: Uint8Array[]) =>
    dict(['w', tensor()], ['x', call(global(module, name), ...args)]);
  test.each<[string, Uint8Array, RegExp]>([
    ['os.system', reduce('os', 'system', text('true')), /"os\.system".*pickle is a program.*safetensors/],
    ['builtins.eval', reduce('builtins', 'eval', text('1')), /"builtins\.eval"/],
    ['__builtin__.getattr', reduce('__builtin__', 'getattr'), /"__builtin__\.getattr"/],
    ['constructor', reduce('constructor', 'constructor'), /"constructor\.constructor"/],
    ['a dotted name', reduce('torch._utils', '_rebuild_tensor_v2.__globals__'), /__globals__/],
    ['a call on the stack', dict(['x', call(code(text('os'), text('system'), 0x93))]), /"os\.system"/],
    ['a name alone', global('os', 'system'), /"os\.system"/],
    [
      'getattr of what is no class',
      reduce('builtins', 'getattr', tensor(), text('data')),
      /"builtins\.getattr"/,
    ],
    [
      'a call of what getattr found',
      dict([
        'x',
        call(call(global('builtins', 'getattr'), global('os', 'path'), text('system')), text('true')),
      ]),
      /what is no function/,
    ],
    [
      'a call of a partial function',
      dict(['x', call(call(global('functools', 'partial'), global('os', 'system')), text('true'))]),
      /what is no function/,
    ],
    ['a call of an object', dict(['x', call(made('os', 'system', dict()))]), /what is no function/],
    ['a global of numbers', dict(['x', code('K\x01K\x02', 0x93)]), /no text/],
    ['INST', dict(['x', code('(ios\nsystem\n')]), /opcode 0x69/],
    ['OBJ', dict(['x', code('(', global('argparse', 'Namespace'), 'o')]), /opcode 0x6f/],
    ['EXT1', dict(['x', code(0x82, 1)]), /opcode 0x82/],
    ['PERSID', dict(['x', code('Pos\n')]), /opcode 0x50/],
    ['a call of text', dict(['x', call(text('os.system'))]), /what is no function/],
    ['a call of a tensor', dict(['x', call(tensor())]), /what is no function/],
    [
      'a call of a storage type',
      reduce('torch', 'FloatStorage', integer(2 ** 40)),
      /calls torch\.FloatStorage/,
    ],
    [
      'NEWOBJ of another class',
      dict(['x', code(global('collections', 'OrderedDict'), ')', 0x81)]),
      /OrderedDict/,
    ],
    [
      'NEWOBJ with arguments',
      dict(['x', code(global('argparse', 'Namespace'), tuple(text('a')), 0x81)]),
      /Namespace/,
    ],
    [
      'NEWOBJ with arguments, of a class',
      dict(['x', code(global('subprocess', 'Popen'), tuple(text('true')), 0x81)]),
      /subprocess\.Popen/,
    ],
    ['attributes of a list', dict(['x', code(list(), dict(), 'b')]), /attributes/],
    ['attributes of a tensor', dict(['x', code(tensor(), dict(), 'b')]), /attributes/],
    ['attributes of a global', dict(['x', code(global('numpy', 'dtype'), dict(), 'b')]), /attributes/],
  ])('%s', (_, value, message) => {
    expect(() => parseTorch(file(value))).toThrow(message);
  });
});

describe('modules that were saved whole', () => {
  const one = (offset: number) => tensor({ offset, shape: [1] });
  const inner = moduleOf({
    parameters: dict(['weight', one(0)], ['bias', code('N')]),
    buffers: dict(['mean', one(1)], ['index', one(2)]),
    unsaved: call(global('__builtin__', 'set'), list(text('index'))),
  });

  test('are their state dict', () => {
    const whole = moduleOf({
      parameters: dict(['scale', one(3)]),
      modules: dict(['0', inner], ['1', inner]),
    });
    const { tensors, key } = parseTorch(file(whole));
    expect(Object.entries(tensors).map(([name, { data }]) => [name, data[0]])).toEqual([
      ['scale', 4],
      ['0.weight', 1],
      ['0.mean', 2],
      ['1.weight', 1],
      ['1.mean', 2],
    ]);
    expect(key).toBeUndefined();
    expect(parseTorch(file(dict(['model', whole])))).toMatchObject({ key: 'model', tensors });
  });

  test('what is in other attributes is left alone', () => {
    const odd = made('x', 'Y', dict(['weight', one(0)]));
    expect(
      Object.keys(parseTorch(file(moduleOf({ modules: dict(['a', inner], ['b', odd]) }))).tensors),
    ).toEqual(['a.weight', 'a.mean']);
    expect(() => parseTorch(file(odd))).toThrow(/no dict/);
    expect(() => parseTorch(file(moduleOf({})))).toThrow(/is empty/);
    expect(() => parseTorch(file(inner), { key: 'model' })).toThrow(/a module.*"model"/);
  });

  test('a module in itself is an error, and so is a bomb of modules', () => {
    // The dict of modules is memo 0, to which the module itself is added.
    const self = code(moduleOf({ modules: code('}q\0') }), 'q\x01');
    const added = code('h\0', text('self'), 'h\x01s');
    expect(() => parseTorch(file(dict(['model', self], ['x', added])))).toThrow(/nested more than 64 deep/);
    // Module i has module i - 1 four times.
    const levels = Array.from({ length: 30 }, (_, i): [string, Uint8Array] => {
      const below = code('h', i);
      const four = dict(['a', below], ['b', below], ['c', below], ['d', below]);
      return [`level ${i}`, code(moduleOf({ modules: four }), 'q', i + 1)];
    });
    const bomb = dict(['inner', code(inner, 'q\0')], ...levels, ['model', code('h', 30)]);
    expect(() => parseTorch(file(bomb))).toThrow(/modules of more than 262144 parts/);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['numbers as names', moduleOf({ parameters: code('}', integer(1), one(0), 's') }), /without names/],
    ['endless names', moduleOf({ parameters: dict(['x'.repeat(2000), one(0)]) }), /very long/],
    [
      'one name twice',
      moduleOf({ parameters: dict(['a.weight', one(1)]), modules: dict(['a', inner]) }),
      /twice/,
    ],
    ['__proto__', moduleOf({ parameters: dict(['__proto__', one(0)]) }), /__proto__/],
    ['attributes twice', code(inner, dict(), 'b'), /attributes twice/],
  ])('%s', (_, value, message) => {
    expect(() => parseTorch(file(value))).toThrow(message);
  });
});

describe('what a file says of itself', () => {
  const tensors: [string, Uint8Array] = ['state_dict', dict(['w', tensor()])];
  test('plain data of meta, and nothing else', () => {
    const meta = dict(
      ['CLASSES', tuple(text('a'), text('b'))],
      ['epoch', integer(3)],
      ['odd', made('x', 'Y', dict())],
      ['mixed', list(tensor(), text('c'))],
    );
    expect(parseTorch(file(dict(tensors, ['meta', meta]))).meta).toEqual({
      CLASSES: ['a', 'b'],
      epoch: 3,
      mixed: [null, 'c'],
    });
  });

  test('a bomb of lists is an error', () => {
    const lists = Array.from({ length: 20 }, (_, i) =>
      code(']q', i + 1, '(', `h${String.fromCharCode(i)}`.repeat(50), 'e'),
    );
    const bomb = dict(['x', code('](', code(']q\0', ...lists), 'e')]);
    expect(() => parseTorch(file(dict(tensors, ['meta', bomb])))).toThrow(/262144 values, or .* 32 levels/);
  });
});

describe('pickles that contradict themselves', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['an empty stack', code('.'), /stack is empty/],
    ['TUPLE2 of one', code('K\x01', 0x86), /stack is empty/],
    ['a mark that was never set', code('t'), /did not begin/],
    ['items below the mark', code('}(', text('w'), 's'), /stack is empty/],
    ['half an item', code('}(', text('w'), 'u'), /not a dict/],
    ['items of a list', code('](', text('w'), 'K\x01u'), /not a dict/],
    ['appending to a dict', code('}(K\x01e'), /not a list/],
    ['an empty memo', code('h\x07'), /memo 7/],
    ['a string longer than the pickle', code('X\xff\xff\xff\x7f', 'a'), /cut off/],
    ['a string of 2^60 bytes', code(0x8d, fields([8, 2 ** 52])), /cut off/],
    ['a string that is no UTF-8', code('X\x01\0\0\0\xff'), /not UTF-8/],
    ['bytes longer than the pickle', code('B\xff\xff\xff\xff'), /cut off/],
    ['a name without an end', code('c', 'a'.repeat(1000)), /no end/],
    ['a long integer', code(0x8a, 255, new Uint8Array(255)), /integer of 255 bytes/],
    ['protocol 9', code(0x80, 9), /protocol 9/],
    ['lists nested 100,000 deep', code('('.repeat(100_000)), /nested/],
    ['too many opcodes', code('N'.repeat(2 ** 21 + 1)), /opcodes/],
    ['too many lists', code('}'.repeat(2 ** 19 + 1)), /lists/],
  ])('%s', (_, value, message) => {
    expect(() => parseTorch(file(value))).toThrow(message);
  });

  test('numbers as keys of a state dict', () => {
    expect(() => parseTorch(file(dict(['model', code('}', integer(1), tensor(), 's')])))).toThrow(
      /number keys/,
    );
  });

  test('a bomb of lists in lists costs nothing', () => {
    // List i + 1 holds list i fifty times.
    const lists = Array.from({ length: 100 }, (_, i) =>
      code(']q', i + 1, '(', `h${String.fromCharCode(i)}`.repeat(50), 'e'),
    );
    const bomb = code(']q\0', ...lists);
    const value = dict(['w', tensor()], ['args', code('(', bomb, 't')]);
    expect(Object.keys(parseTorch(file(value)).tensors)).toEqual(['w']);
  });
});

describe('tensors that are not in their storage', () => {
  const refused = /reaches out of its storage/;
  test.each<[string, Uint8Array, RegExp]>([
    ['an offset', tensor({ offset: 1 }), refused],
    ['a negative offset', tensor({ offset: -1, shape: [1] }), /not negative/],
    ['a shape', tensor({ shape: [5] }), refused],
    ['a negative side', tensor({ shape: [-1] }), /not negative/],
    ['a huge shape', tensor({ shape: [2 ** 30, 2 ** 30] }), refused],
    [
      'a huge shape without elements on one side',
      tensor({ shape: [2 ** 50, 2 ** 50, 1], strides: [0, 0, 0] }),
      refused,
    ],
    ['strides', tensor({ shape: [2, 2], strides: [3, 1] }), refused],
    ['negative strides', tensor({ offset: 3, strides: [-1] }), /not negative/],
    ['fewer strides', tensor({ shape: [2, 2], strides: [1] }), /as many strides/],
    ['65 axes', tensor({ shape: new Array(65).fill(1) }), /axes/],
    ['a storage longer than its entry', tensor({ length: 5 }), /needs 20 bytes, but has 16/],
    ['a storage shorter than its entry', tensor({ length: 3, shape: [3] }), /needs 12 bytes, but has 16/],
    ['a storage of 2^53 elements', tensor({ length: 2 ** 53 - 2 }), /needs \d+ bytes/],
    ['a negative storage', tensor({ length: -4 }), /no storage/],
    ['a storage without entry', tensor({ key: '7' }), /"7" are missing/],
    ['a storage outside', tensor({ key: '../data.pkl' }), /missing/],
    ['a storage of an unknown type', tensor({ type: 'ComplexFloatStorage' }), /ComplexFloatStorage/],
    [
      'no storage',
      call(global('torch._utils', '_rebuild_tensor_v2'), ...new Array(6).fill(integer(0))),
      /not made from/,
    ],
    [
      'a parameter of a number',
      call(global('torch._utils', '_rebuild_parameter'), integer(1)),
      /not made from/,
    ],
    ['a persistent id of text', code(text('0'), 'Q'), /no storage/],
    [
      'a name as the type',
      code(
        tuple(text('storage'), global('collections', 'OrderedDict'), text('0'), text('cpu'), integer(4)),
        'Q',
      ),
      /no storage/,
    ],
  ])('%s', (_, value, message) => {
    expect(() => parseTorch(file(dict(['w', value])))).toThrow(message);
  });

  test('one storage in two ways', () => {
    const value = dict(['a', tensor()], ['b', tensor({ type: 'IntStorage' })]);
    expect(() => parseTorch(file(value))).toThrow(/two ways/);
  });

  test('a shape that grows after it was checked', () => {
    // The shape is a list in the memo, to which an element is appended once the tensor is made.
    const made = code(
      global('torch._utils', '_rebuild_tensor_v2'),
      '(',
      storage(),
      integer(0),
      '](',
      integer(4),
      'eq\x01',
      list(integer(1)),
      code(0x89),
      call(global('collections', 'OrderedDict')),
      'tR',
    );
    const value = dict(['w', made], ['x', code('h\x01(', integer(2 ** 40), 'e')]);
    expect(parseTorch(file(value)).tensors.w!.shape).toEqual([4]);
  });

  test('an element that is expanded to fill the memory', () => {
    const wide = (side: number) =>
      file(dict(['w', tensor({ shape: [side, 1000, 1000], strides: [0, 0, 0] })]));
    expect(() => parseTorch(wide(1_000_000))).toThrow(/clone/);
    expect(() => parseTorch(wide(1))).toThrow(/more than 4 times the file/);
    // Many together too.
    const many = dict(
      ...Array.from({ length: 100 }, (_, i): [string, Uint8Array] => [
        `w${i}`,
        tensor({ shape: [10], strides: [0] }),
      ]),
    );
    expect(() => parseTorch(file(many))).not.toThrow();
    const more = dict(
      ...Array.from({ length: 100 }, (_, i): [string, Uint8Array] => [
        `w${i}`,
        tensor({ shape: [10_000], strides: [0] }),
      ]),
    );
    expect(() => parseTorch(file(more))).toThrow(/clone/);
  });
});

describe('archives that lie', () => {
  const good = { name: 'x/data.pkl', content: pickle(dict(['w', tensor()])) };
  const data = { name: 'x/data/0', content: FOUR };
  const second = 30 + good.name.length + good.content.length;
  const archive = (entries: ZipEntry[], lies?: ZipLies) => zipFile(entries, lies);

  test('an honest one, with and without zip64', () => {
    for (const lies of [
      {},
      { zip64: {} },
      { zip64: {}, count: 0xffff, directoryBytes: 0xffffffff, directoryBegin: 0xffffffff },
    ])
      expect([...parseTorch(archive([good, data], lies)).tensors.w!.data]).toEqual([1, 2, 3, 4]);
    const wide = {
      ...data,
      size: 0xffffffff,
      offset: 0xffffffff,
      extra: fields([2, 1], [2, 24], [8, 16], [8, 16], [8, second]),
    };
    expect([...parseTorch(archive([good, wide], { zip64: {} })).tensors.w!.data]).toEqual([1, 2, 3, 4]);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['compressed', archive([good, { ...data, method: 8 }]), /compressed \(method 8\)/],
    ['encrypted', archive([good, { ...data, flags: 1 }]), /encrypted/],
    ['twice', archive([good, data, data]), /"x\/data\/0" is there twice/],
    ['..', archive([good, data, { ...data, name: 'x/../../etc/passwd' }]), /leads out/],
    ['absolute', archive([good, data, { ...data, name: '/etc/passwd' }]), /leads out/],
    ['backslash', archive([good, data, { ...data, name: 'x\\..\\y' }]), /leads out/],
    ['overlapping', archive([good, { ...data, size: 40 }, { ...data, name: 'x/data/1' }]), /overlaps/],
    ['one content twice', archive([good, data, { ...data, name: 'x/data/1', offset: second }]), /overlaps/],
    ['into the directory', archive([good, { ...data, size: 17 }]), /outside/],
    ['beyond the file', archive([good, { ...data, size: 2 ** 31 }]), /outside/],
    ['a header beyond the file', archive([good, { ...data, offset: 2 ** 31 }]), /outside/],
    ['a header elsewhere', archive([good, { ...data, offset: second + 1 }]), /not where|outside/],
    ['another name in the header', archive([good, { ...data, localName: 'x/data/1' }]), /not where/],
    ['two sizes', archive([good, { ...data, packedSize: 15 }]), /sizes differ/],
    ['a missing zip64 field', archive([good, { ...data, size: 0xffffffff }]), /zip64 field/],
    [
      'a short zip64 field',
      archive([good, { ...data, size: 0xffffffff, extra: fields([2, 1], [2, 4], [4, 0]) }]),
      /zip64 field/,
    ],
    [
      'a zip64 field beyond its end',
      archive([good, { ...data, extra: fields([2, 1], [2, 400], [4, 0]) }]),
      /zip64 field/,
    ],
    [
      'a huge zip64 size',
      archive([
        good,
        { ...data, size: 0xffffffff, extra: fields([2, 1], [2, 16], [8, 2 ** 52], [8, 2 ** 52]) },
      ]),
      /outside/,
    ],
    ['another zip64 count', archive([good, data], { zip64: { count: 3 } }), /contradicts/],
    ['another zip64 place', archive([good, data], { zip64: { begin: 0 } }), /contradicts/],
    ['a zip64 record elsewhere', archive([good, data], { zip64: { at: 1 } }), /zip64 directory record/],
    ['a count', archive([good, data], { count: 3 }), /2 entries, but says 3/],
    ['a long directory', archive([good, data], { directoryBytes: 2 ** 31 }), /at most/],
    ['a directory elsewhere', archive([good, data], { directoryBegin: 1 }), /not where/],
    ['several disks', archive([good, data], { disk: 1 }), /several parts/],
    ['no pickle', archive([data]), /0 entries/],
    ['two pickles', archive([good, data, { ...good, name: 'y/data.pkl' }]), /2 entries/],
    ['TorchScript', archive([good, data, { ...data, name: 'x/constants.pkl' }]), /TorchScript/],
    [
      'big-endian',
      archive([good, data, { name: 'x/byteorder', content: Buffer.from('big') }]),
      /"big".*little-endian/,
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => parseTorch(bytes)).toThrow(message);
  });

  test('what is no file of PyTorch', () => {
    expect(() => parseTorch(new Uint8Array(0))).toThrow(/not a file of torch\.save/);
    expect(() => parseTorch(Buffer.from('PK\x03\x04 and so on'))).toThrow(/directory is missing/);
    expect(() => parseTorch(pickle(dict()))).toThrow(/not a file of torch\.save/);
  });
});

test('a damaged file is an error or gives sound tensors, and takes neither time nor memory', () => {
  const files = [
    ...['state-2.15', 'official-1.7', 'legacy-2.15', 'protocol4-2.15'].map((name) => `${name}.pth`),
    'dalle/encoder.pkl',
    'dalle/decoder.pkl',
    'mmsegmentation.pth',
  ].map(fixture);
  const start = performance.now();
  let errors = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.array(
        fc.tuple(
          fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
          fc.integer({ min: 0, max: 255 }),
        ),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
      (bytes, changes) => {
        const damaged = bytes.slice();
        for (const [place, value] of changes) damaged[Math.floor(place * bytes.length)] = value;
        let tensors: NamedTensors;
        try {
          tensors = parseTorch(damaged).tensors;
        } catch (error) {
          // Those that are meant, not those of a slip: 'Invalid typed array length', 'x is undefined'.
          const { name, message } = error as Error;
          expect(name === 'Error' || /which int32 cannot hold/.test(message)).toBe(true);
          errors++;
          return;
        }
        let elements = 0;
        for (const [name, tensor] of Object.entries(tensors)) {
          assertHostTensor(name, tensor);
          elements += tensor.data.length;
        }
        expect(elements).toBeLessThanOrEqual(4 * bytes.length);
      },
    ),
    { seed: 1, numRuns: 4000 },
  );
  expect(errors).toBeGreaterThan(500);
  expect(performance.now() - start).toBeLessThan(60_000);
});

describe('files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'torch-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('only what is selected is read, from a file of 6 GiB', async () => {
    const path = join(folder, 'large.pth');
    const hole = 6 * 2 ** 30;
    const value = dict(['w', tensor()], ['huge', tensor({ key: '1', length: hole / 4, shape: [hole / 4] })]);
    const wide = fields([2, 1], [2, 16], [8, hole], [8, hole]);
    // The bytes of a small archive, pulled apart where the huge entry's content would be: a sparse file.
    const huge = { name: 'x/data/1', content: new Uint8Array(0), size: 0xffffffff, extra: wide };
    const content = pickle(value);
    const before = 3 * 30 + 'x/data.pkl'.length + content.length + 2 * 'x/data/0'.length + FOUR.length;
    const lies = { directoryBegin: 0xffffffff, zip64: { begin: before + hole, at: 0 } };
    const directory = (bytes: Uint8Array) => bytes.length - 22 - 20 - 56 - before;
    const draft = file(value, [huge], lies);
    const bytes = file(value, [huge], {
      ...lies,
      zip64: { ...lies.zip64, at: before + hole + directory(draft) },
    });
    const handle = await open(path, 'w');
    await handle.write(bytes, 0, before, 0);
    await handle.write(bytes, before, bytes.length - before, before + hole);
    await handle.close();
    const { tensors } = await loadTorch(path, { select: (name) => name === 'w' });
    expect([...tensors.w!.data]).toEqual([1, 2, 3, 4]);
  });

  test('messages name the path', async () => {
    const path = join(folder, 'x.pth');
    await writeFile(path, file(global('os', 'system')));
    await expect(loadTorch(path)).rejects.toThrow(`Cannot read ${path}: the pickle asks for "os.system"`);
    await expect(loadTorch(folder)).rejects.toThrow(/regular file|EISDIR/);
  });
});
