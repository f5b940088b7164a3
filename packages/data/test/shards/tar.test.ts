import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { create, Header, type HeaderData, Pax } from 'tar';
import { shardLabels, shardSamples } from '../../src/shards/shardSamples';
import { TAR_END, tarEntries, tarHeader, tarPadding } from '../../src/shards/tarEntries';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beit-tar-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let files = 0;
async function archive(...pieces: readonly (Buffer | string)[]): Promise<string> {
  const path = join(folder, `${files++}.tar`);
  await writeFile(path, Buffer.concat(pieces.map((piece) => Buffer.from(piece as string))));
  return path;
}

/** A file in an archive. */
const file = (name: string, text = 'text'): Buffer =>
  Buffer.concat([
    tarHeader(name, Buffer.byteLength(text)),
    Buffer.from(text),
    tarPadding(Buffer.byteLength(text)),
  ]);

const header = (data: HeaderData): Buffer => {
  const block = Buffer.alloc(512);
  new Header({ mode: 0o644, size: 0, type: 'File', ...data }).encode(block);
  return block;
};

test('what is written is read back: any names and sizes', async () => {
  const segment = fc.stringMatching(/^[^/\\.\0:][^/\\\0:]{0,80}$/).filter((text) => !text.includes('..'));
  const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `${parts.join('/')}.jpg`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ name, text: fc.string({ maxLength: 2000 }) }), { maxLength: 5 }),
      async (all) => {
        const path = await archive(...all.map(({ name, text }) => file(name, text)), TAR_END);
        const found = tarEntries(path);
        expect(found.map((entry) => entry.path)).toEqual(all.map((one) => one.name));
        expect(found.map(({ size }) => size)).toEqual(all.map(({ text }) => Buffer.byteLength(text)));
        expect(found.every(({ offset }) => offset % 512 === 0)).toBe(true);
      },
    ),
    { numRuns: 50 },
  );
});

test("reads what others write: the library's own archives, long names, folders", async () => {
  const names = ['a.jpg', 'a.cls', `${'long'.repeat(40)}.jpg`];
  for (const name of names) await writeFile(join(folder, name), name);
  for (const format of [{ portable: true }, { noPax: true }, {}]) {
    const path = join(folder, `library-${files++}.tar`);
    await create({ cwd: folder, file: path, ...format }, ['./a.jpg', 'a.cls', names[2]!]);
    const found = tarEntries(path);
    expect(found.slice(0, 2)).toEqual([
      expect.objectContaining({ path: 'a.jpg', size: 5 }),
      expect.objectContaining({ path: 'a.cls', size: 5 }),
    ]);
    if (!('noPax' in format)) expect(found[2]).toMatchObject({ path: names[2], size: names[2]!.length });
  }
  const gnu = await archive(
    header({ path: '././@LongLink', type: 'NextFileHasLongPath', size: names[2]!.length + 1 }),
    Buffer.concat([Buffer.from(`${names[2]}\0`), tarPadding(names[2]!.length + 1)]),
    file('short.jpg'),
    header({ path: 'folder/', type: 'Directory' }),
    file('folder/b.jpg'),
    TAR_END,
  );
  expect(tarEntries(gnu).map(({ path }) => path)).toEqual([names[2], 'folder/b.jpg']);
});

describe('an archive is refused', () => {
  const pax = (data: HeaderData) => new Pax(data).encode();
  test.each<[what: string, pieces: () => readonly (Buffer | string)[], message: RegExp]>([
    [
      'with a symbolic link',
      () => [header({ path: 'a.jpg', type: 'SymbolicLink', linkpath: '/etc/passwd' })],
      /'a.jpg' is a SymbolicLink/,
    ],
    ['with a hard link', () => [header({ path: 'a.jpg', type: 'Link', linkpath: 'b.jpg' })], /is a Link/],
    ['with a device', () => [header({ path: 'a', type: 'CharacterDevice' })], /is a CharacterDevice/],
    ['with a path upwards', () => [file('../a.jpg')], /'\.\.\/a\.jpg' leads out/],
    ['with a path upwards inside', () => [file('b/../../a.jpg')], /leads out/],
    ['with an absolute path', () => [file('/etc/passwd')], /leads out/],
    ['with a path of Windows', () => [file('C:\\a.jpg')], /leads out/],
    ['with a path upwards in pax', () => [pax({ path: '../../a.jpg' }), file('a.jpg')], /leads out/],
    [
      'with a size beyond its end',
      () => [header({ path: 'a.jpg', size: 10_000 }), TAR_END],
      /a file of 10000 bytes begins, and 1024 are left/,
    ],
    [
      'with a size beyond all numbers in pax',
      () => [pax({ path: 'a.jpg', size: 2 ** 60 }), file('a.jpg')],
      /a file of 1152921504606847000 bytes/,
    ],
    [
      'with a name of megabytes',
      () => [header({ path: 'x', type: 'NextFileHasLongPath', size: 2 ** 21 }), Buffer.alloc(2 ** 21)],
      /a name takes 2097152 bytes/,
    ],
    [
      'that is cut off in a file',
      () => [tarHeader('a.jpg', 600), Buffer.alloc(512)],
      /a file of 600 bytes begins, and 512 are left/,
    ],
    ['that is cut off after a file', () => [file('a.jpg')], /cut off/],
    ['that is empty', () => [], /cut off/],
    ['that is text', () => ['text '.repeat(500)], /at byte 0 is no header/],
    ['that is packed', () => [Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(1020, 7)], /is no header/],
    [
      'with a damaged header',
      () => [Buffer.from(file('a.jpg')).fill(1, 0, 3), TAR_END],
      /is no header of a file, or a damaged one/,
    ],
  ])('%s', async (_, pieces, message) => {
    const path = await archive(...pieces());
    expect(() => tarEntries(path)).toThrow(message);
    expect(() => tarEntries(path)).toThrow(path);
  });

  test('or read, but neither hangs nor exhausts memory: any bytes changed', async () => {
    const whole = Buffer.concat([
      file('a.jpg'),
      pax({ path: 'long/b.jpg' }),
      file('b.jpg', 'x'.repeat(700)),
      TAR_END,
    ]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const changed = Buffer.from(whole);
          for (const [at, value] of changes) changed[at] = value;
          const path = await archive(changed);
          try {
            for (const { offset, size } of tarEntries(path)) {
              expect(offset + size).toBeLessThanOrEqual(whole.length);
            }
          } catch (error) {
            expect((error as Error).name).toBe('ShardError');
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('samples', () => {
  test('are files of one name, with their classes', async () => {
    const path = await archive(
      file('cat/1.jpg'),
      file('cat/1.cls', '0\n'),
      file('cat/1.json', '{}'),
      file('notes.txt'),
      file('dog/2.seg.PNG'),
      file('dog/2.cls', '12'),
      file('README'),
      TAR_END,
    );
    // 'seg.png' is another kind of thing than 'png'.
    expect(shardSamples(path).map(({ key }) => key)).toEqual(['cat/1']);
    const two = await archive(
      file('cat/1.jpg'),
      file('cat/1.cls', '0\n'),
      file('dog/2.cls', '12'),
      file('dog/2.PNG'),
      TAR_END,
    );
    const samples = shardSamples(two);
    expect(samples.map(({ key, image }) => [key, image.path])).toEqual([
      ['cat/1', 'cat/1.jpg'],
      ['dog/2', 'dog/2.PNG'],
    ]);
    expect(shardLabels(two, samples)).toEqual(Int32Array.of(0, 12));
  });

  test('without classes have none, and with a word instead are refused', async () => {
    const without = await archive(file('a.jpg'), file('a.cls', '0'), file('b.jpg'), TAR_END);
    expect(shardLabels(without, shardSamples(without))).toBeUndefined();
    const word = await archive(file('a.jpg'), file('a.cls', 'cat'), TAR_END);
    expect(() => shardLabels(word, shardSamples(word))).toThrow(
      "the class of 'a' is 'cat'; expected its number",
    );
  });

  test('with two images of one name are refused', async () => {
    const path = await archive(file('a.jpg'), file('a.png'), TAR_END);
    expect(() => shardSamples(path)).toThrow("has two images of 'a'");
  });
});
