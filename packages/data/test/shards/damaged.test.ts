/** Parquet files of every codec, and damaged ones: `fixtures/codecs.py`. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import { openShards } from '../../src';
import { openParquetFile } from '../../src/shards/parquetFile';
import { parquetColumn, parquetImages, parquetLabels } from '../../src/shards/parquetImages';
import { readShardImage } from '../../src/shards/readShardImage';

interface Codecs {
  /** PNG files, base64. */
  readonly images: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  /** With a row that has no class. */
  readonly unlabelled: string;
}

let folder: string;
let codecs: Codecs;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beit-damaged-'));
  codecs = JSON.parse(await readFile(join(__dirname, '../fixtures/codecs.json'), 'utf8'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const write = async (name: string, file: Buffer) => {
  await writeFile(join(folder, name), file);
  return join(folder, name);
};
const cache = () => ({ directory: join(folder, 'cache'), maxBytes: 2 ** 20 });
const bytesOf = (name: string) => Buffer.from(codecs.files[name]!, 'base64');

test('images and classes of every codec, page version and encoding are those that were written', async () => {
  const others: string[] = [];
  for (const name of Object.keys(codecs.files)) {
    const file = await openParquetFile(await write('a.parquet', bytesOf(name)));
    const found = await parquetImages(file, name);
    const images = await parquetColumn(file, found.metadata, found.image, 0, found.rows);
    const labels = await parquetLabels(file, found, name);
    file.close();
    const encoded = images.map((image) =>
      Buffer.from((image as { bytes: Uint8Array }).bytes).toString('base64'),
    );
    if (encoded.join() !== codecs.images.join() || labels!.join() !== '2,0,1,0') others.push(name);
  }
  expect([others, Object.keys(codecs.files).length]).toEqual([[], 24]);
});

test('a row without a class is refused: its class would be the first', async () => {
  const path = await write('unlabelled.parquet', Buffer.from(codecs.unlabelled, 'base64'));
  await expect(openShards(path, { cache: cache() })).rejects.toThrow(
    /unlabelled\.parquet' says that the class of row 1 is (null|undefined); expected a whole number/,
  );
});

test('one of them is brought into the cache and read from there', async () => {
  const { train } = await openShards(await write('zstd.parquet', bytesOf('zstd 2.0')), { cache: cache() });
  expect((await readShardImage(train.source, 2)).toString('base64')).toBe(codecs.images[2]);
});

/** Where a page of an unpacked file has its levels: behind the header of the page, which ends with a zero. */
const levelsIn = (file: Buffer) => file.indexOf(Buffer.from([2, 0, 0, 0, 8, 1])) + 4;

describe('a damaged file', () => {
  test('whose run of 2,147,483,647 values keeps hyparquet busy is given up, by name, and leaves nothing', async () => {
    const file = bytesOf('none 1.0');
    const at = levelsIn(file);
    expect(at).toBeGreaterThan(4);
    const run = [0xfe, 0xff, 0xff, 0xff, 0x0f];
    file.writeUInt32LE(run.length, at - 4);
    file.set(run, at);
    const path = await write('loops.parquet', file);
    const opened = openShards(path, { cache: cache() }).then(({ train }) => readShardImage(train.source, 0));
    await expect(opened).rejects.toThrow(
      /loops\.parquet' is no Parquet file that can be read: (nothing came of it in 2 s|it takes more than 256 MB)/,
    );
    expect((await readdir(join(folder, 'cache'))).filter((name) => name.includes('loops'))).toEqual([]);
  }, 30_000);

  test('is refused by its name, whatever is wrong with it', async () => {
    for (let seed = 0; seed < 12; seed++) {
      const random = createRandom('damaged', seed);
      const file = bytesOf('gzip 1.0');
      // In the description at the end, where little is without meaning.
      const description = file.length - 8 - file.readUInt32LE(file.length - 8);
      for (let i = 0; i < 8; i++) file[random.integer(description, file.length - 9)] = random.integer(0, 255);
      const path = await write(`${seed}.parquet`, file);
      const opened = openShards(path, { cache: cache() }).then(({ train }) =>
        readShardImage(train.source, 0),
      );
      await expect(opened).rejects.toMatchObject({
        name: 'ShardError',
        message: expect.stringMatching(
          new RegExp(`^(?!.*(Cannot|is not a|Invalid|outside the bounds)).*/${seed}\\.parquet`),
        ),
      });
    }
  }, 60_000);

  test('takes no memory for what it claims', async () => {
    const file = await openParquetFile(await write('a.parquet', bytesOf('none 1.0')));
    expect(() => file.slice(0, 2 ** 40)).toThrow(
      /a\.parquet' is damaged: it names the bytes 0 to 1099511627776/,
    );
    file.close();
  });
});
