/** What people's folders have beside pictures that are fine. */
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Where pictures are, of one class or part. */
export interface Place {
  /** A folder right among the pictures. */
  readonly folder: string;
  /** A whole picture. */
  readonly picture: Buffer;
  /** A folder outside of the data. */
  readonly elsewhere: string;
  /** A folder of other pictures of the same data, or undefined where those would be of another kind. */
  readonly sibling?: string;
}

export interface Stranger {
  /**
   * What it is to a run: no picture, of which nothing is said or which is passed over and told of; a picture like any
   * other; or one that cannot be read, and is told of by name.
   */
  readonly is: 'nothing' | 'passed over' | 'picture' | 'unreadable';
  /** What it is called; part of it is what is told. */
  readonly name: string | Buffer;
  /** What is told instead of the name. */
  readonly told?: string;
  /** Why it cannot be made here; undefined: it can. */
  missing?(): string | undefined;
  /** @param path below `place.folder`; its folder is there */
  make(path: string | Buffer, place: Place): void | Promise<void>;
}

const picture = (name: string | Buffer): Stranger => ({
  is: 'picture',
  name,
  make: (path, { picture }) => writeFileSync(path, picture),
});
const unreadable = (name: string | Buffer, make: Stranger['make'], told?: string): Stranger => ({
  is: 'unreadable',
  name,
  make,
  ...(told !== undefined && { told }),
});
const nothing = (name: string, make: Stranger['make']): Stranger => ({ is: 'nothing', name, make });
const passedOver = (name: string, make: Stranger['make'], told?: string): Stranger => ({
  is: 'passed over',
  name,
  make,
  ...(told !== undefined && { told }),
});
const written = (text: string) => (path: string | Buffer) => writeFileSync(path, text);
const isRoot = () => process.getuid?.() === 0;

export const STRANGERS: readonly Stranger[] = [
  // Hidden files, and what systems keep.
  nothing('._0.png', written('Mac OS X')),
  nothing('.DS_Store', written('Bud1')),
  nothing('.hidden.png', written('')),
  nothing('folder.jpg', (path) => mkdirSync(path)),
  nothing('circle', (path) => symlinkSync('.', path)),
  // It comes before all others, and would take their pictures from them.
  nothing('00', (path, { sibling }) => (sibling === undefined ? undefined : symlinkSync(sibling, path))),
  passedOver('Thumbs.db', written('thumbs'), ' .db'),
  passedOver('notes.txt', written('notes'), ' .txt'),
  passedOver('constructor', written('no ending'), ' without one'),
  passedOver('pipe.png', (path) => void execFileSync('mkfifo', [path.toString()])),
  passedOver('socket.jpg', (path) => makeSocket(path.toString())),
  {
    ...passedOver('zero.png', (path) => void execFileSync('mknod', [path.toString(), 'c', '1', '5'])),
    missing: () => (isRoot() ? undefined : 'devices are made by root alone'),
  },
  passedOver('linked-pipe.png', (path, { elsewhere }) => {
    execFileSync('mkfifo', [join(elsewhere, 'pipe')]);
    symlinkSync(join(elsewhere, 'pipe'), path);
  }),
  unreadable('empty.png', written('')),
  unreadable('text.jpg', written('This is no picture.\n')),
  unreadable('cut.png', (path, { picture }) => writeFileSync(path, picture.subarray(0, picture.length >> 1))),
  unreadable('dangling.png', (path) => symlinkSync('/nowhere/at/all.png', path)),
  unreadable('round.png', (path) => symlinkSync('round.png', path)),
  // Such bytes are no text in UTF-8.
  unreadable(
    Buffer.from([0x66, 0xff, 0xfe, 0x2e, 0x70, 0x6e, 0x67]),
    (path, { picture }) => writeFileSync(path, picture),
    'f\ufffd\ufffd.png',
  ),
  {
    ...unreadable('forbidden.png', (path, { picture }) => {
      writeFileSync(path, picture);
      chmodSync(path, 0);
    }),
    missing: () => (isRoot() ? 'root may read all files' : undefined),
  },
  picture(`${'long'.repeat(62)}.png`),
  picture('two\nlines.png'),
  picture('ein Bild, 50% größer?#&.png'),
  picture('-rf.png'),
  picture('back\\slash.png'),
  picture('🐈‍⬛.png'),
  picture('0.PNG'),
  picture(join(...Array.from({ length: 40 }, (_, depth) => `${depth}`), 'deep.png')),
  picture(join('__proto__', 'constructor.png')),
  {
    is: 'picture',
    name: 'elsewhere.png',
    make(path, { picture, elsewhere }) {
      writeFileSync(join(elsewhere, 'one.png'), picture);
      symlinkSync(join(elsewhere, 'one.png'), path);
    },
  },
];

/** A path of any length, which addresses of sockets may not have. The file stays when nobody listens. */
async function makeSocket(path: string): Promise<void> {
  const folder = openSync(join(path, '..'), 'r');
  const server = createServer();
  const short = `/proc/self/fd/${folder}/s`;
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(short, resolve));
  renameSync(join(path, '..', 's'), path);
  await new Promise((resolve) => server.close(resolve));
  closeSync(folder);
}
