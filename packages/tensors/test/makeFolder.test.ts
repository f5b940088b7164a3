import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../src';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'make-folder-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('makes a folder and those above, also again', async () => {
  const path = join(folder, 'a/b/c');
  await makeFolder(path);
  await makeFolder(path);
  expect((await stat(path)).isDirectory()).toBe(true);
});

test('a file in its place, or above it, is named', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  await expect(makeFolder(file)).rejects.toThrow(`The folder '${file}' cannot be made: it is a file.`);
  await expect(makeFolder(join(file, 'a'))).rejects.toThrow(`cannot be made in '${file}': it is a file.`);
});

test('a link to nothing in its place is told as such', async () => {
  const link = join(folder, 'link');
  await symlink('nowhere', link, 'dir');
  await expect(makeFolder(link)).rejects.toThrow(/\/link' cannot be made .* link to what is not there/);
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('where nothing can be made, that is said, of the folder above', async () => {
  await expect(makeFolder('/proc/none/a')).rejects.toThrow(
    "The folder '/proc/none' cannot be made in '/proc': nothing can be made there.",
  );
});

onLinux('without the right to write, that is said', async () => {
  const closed = join(folder, 'closed');
  await mkdir(closed);
  await chmod(folder, 0o755);
  await chmod(closed, 0o555);
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid!(65_534);
  try {
    await expect(makeFolder(join(closed, 'a/b'))).rejects.toThrow(
      `The folder '${closed}/a' cannot be made in '${closed}': permission to write there is denied`,
    );
  } finally {
    if (root) process.seteuid!(0);
  }
});
