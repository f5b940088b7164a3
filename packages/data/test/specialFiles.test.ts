/** Pipes, sockets and devices: reading one might never end. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCheckpoint } from '@beit/weights';
import sharp from 'sharp';
import {
  createLoader,
  describePassedOver,
  IMAGENET_NORMALIZATION,
  imageFolder,
  labelFile,
  openShards,
  readMask,
  readPixels,
  segmentationFolder,
  sourceIdentity,
} from '../src';
import { readRegular, readRegularSync } from '../src/files/regularFile';

const onSystemsWithPipes = process.platform === 'win32' ? describe.skip : describe;

onSystemsWithPipes('special files', () => {
  let folder: string;
  let server: Server;
  const at = (...names: string[]) => join(folder, ...names);
  const pipe = async (...names: string[]) => {
    await mkdir(join(at(...names), '..'), { recursive: true });
    execFileSync('mkfifo', [at(...names)]);
    return at(...names);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'special-'));
    await mkdir(at('photos', 'more'), { recursive: true });
    const create = { width: 8, height: 8, channels: 3, background: 'red' } as const;
    for (const name of ['1.png', '2.jpg']) await sharp({ create }).toFile(at('photos', name));
    await symlink(at('photos', '1.png'), at('photos', 'link.png'));
    await symlink('/dev/zero', at('photos', 'more', 'zero.png'));
    await pipe('photos', 'pipe.png');
    await pipe('photos', 'pipe.jpg');
    await pipe('photos', 'notes');
    server = createServer().listen(at('photos', 'socket.png'));
    await new Promise((resolve) => server.once('listening', resolve));
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  test('in a folder of images are passed over and named; links to regular files are images', async () => {
    const { names, passedOver } = await imageFolder(at('photos'));
    expect(names).toEqual(['1.png', '2.jpg', 'link.png']);
    expect([...passedOver.special].sort()).toEqual(['more/zero.png', 'pipe.jpg', 'pipe.png', 'socket.png']);
    expect(describePassedOver(passedOver)).toMatch(
      /^4 files were passed over for being a pipe.*'pipe\.png'.*1 file was passed over for the ending/,
    );
  });

  test('that cannot be looked at are told from others, and are no error of their own', async () => {
    await mkdir(at('links'));
    await symlink('nowhere', at('links', '1.png'));
    await symlink('2.png', at('links', '2.png'));
    await writeFile(
      Buffer.concat([Buffer.from(at('links', 'f')), Buffer.from([0xff]), Buffer.from('.png')]),
      '',
    );
    const identity = async () => sourceIdentity([await imageFolder(at('links'))]);
    const before = await identity();
    expect(before.images).toBe(3);
    expect(await identity()).toEqual(before);
    await writeFile(at('links', 'nowhere'), 'there now');
    expect((await identity()).content).not.toBe(before.content);
  });

  test('that come later are unreadable, and hold up no training', async () => {
    const names = ['1.png', 'pipe.png', 'pipe.jpg', 'socket.png', 'more/zero.png', '2.jpg'];
    const loader = createLoader({
      source: { kind: 'folder', directory: at('photos'), names },
      batchSize: 6,
      seed: 0,
      views: { imageSize: 8, tokenImageSize: 0, normalization: IMAGENET_NORMALIZATION },
      workers: 0,
      shuffle: false,
    });
    await loader.batch(0);
    const reasons = new Map(loader.unreadable().map(({ name, reason }) => [name, reason]));
    await loader.close();
    expect([...reasons.keys()].sort()).toEqual(['more/zero.png', 'pipe.jpg', 'pipe.png', 'socket.png']);
    for (const name of ['pipe.jpg', 'pipe.png'])
      expect(reasons.get(name)).toBe(`'${at('photos', name)}' is a named pipe; expected a regular file.`);
    expect(reasons.get('more/zero.png')).toMatch(/is a device; expected a regular file/);
  });

  test('are refused by name wherever a file is read', async () => {
    const isPipe = /is a named pipe; expected a regular file|not a regular file/;
    const refused = async (path: string, read: (path: string) => Promise<unknown>) =>
      expect(read(path)).rejects.toThrow(
        expect.objectContaining({
          message: expect.stringMatching(new RegExp(`${path}.*(${isPipe.source})`)),
        }),
      );
    await refused(await pipe('a.png'), readMask);
    await refused(at('a.png'), () => readPixels({ kind: 'folder', directory: folder, names: ['a.png'] }, 0));
    await refused(await pipe('model.safetensors'), loadCheckpoint);
    await refused(await pipe('a.tar'), openShards);
    await refused(await pipe('a.parquet'), openShards);
    await refused(await pipe('shards', 'index.json'), () => openShards(at('shards')));
    await refused(await pipe('labels.csv'), (labels) => labelFile(at('photos'), { labels }));
    for (const part of ['training', 'validation'])
      for (const kind of ['images', 'annotations']) {
        await mkdir(at('ade', kind, part), { recursive: true });
        await writeFile(at('ade', kind, part, 'a.png'), '');
      }
    await refused(await pipe('ade', 'classes.json'), () => segmentationFolder(at('ade')));
  });

  test('a mask that is one is named as a missing annotation is', async () => {
    await rm(at('ade', 'classes.json'));
    await rm(at('ade', 'annotations', 'training', 'a.png'));
    await pipe('ade', 'annotations', 'training', 'a.png');
    await writeFile(at('ade', 'annotations', 'training', 'b.png'), '');
    await expect(segmentationFolder(at('ade'))).rejects.toThrow(
      /have no annotation in '.* No regular files, and so not read: a\.png/,
    );
  });

  test.each([
    ['async', readRegular],
    ['sync', async (path: string, most: number) => readRegularSync(path, most)],
  ])('regular files are read whole, %s, and larger ones refused', async (_, read) => {
    await writeFile(at('text'), 'what is in it');
    expect((await read(at('text'), 13)).toString()).toBe('what is in it');
    await expect(read(at('text'), 12)).rejects.toThrow("text' has 13 bytes; files of at most 12 are read.");
    await expect(read(at('nothing'), 12)).rejects.toThrow("nothing' is not there.");
    await expect(read(folder, 12)).rejects.toThrow('is a folder; expected a regular file.');
  });

  test('without the right to read a file, that is what is said', async () => {
    await writeFile(at('secret'), '', { mode: 0 });
    // Root may read everything.
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid!(65_534);
    try {
      expect(() => readRegularSync(at('secret'), 10)).toThrow(
        /secret' may not be read: permission is denied/,
      );
    } finally {
      if (root) process.seteuid!(0);
    }
  });
});
