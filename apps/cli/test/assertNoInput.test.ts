import { link, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertNoInput } from '../src';

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inputs-'));
  await writeFile(at('photo.png'), 'x');
  await writeFile(at('other.png'), 'x');
});
afterEach(() => rm(folder, { recursive: true }));

test('a file that is read is not written over, under whatever name', async () => {
  await symlink(at('photo.png'), at('link.png'));
  await link(at('photo.png'), at('hard.png'));
  await symlink(folder, at('folder'));
  for (const name of ['photo.png', 'link.png', 'hard.png', 'folder/photo.png'])
    await expect(assertNoInput([at('new.png'), at(name)], [at('photo.png')])).rejects.toThrow(
      /photo\.png' would be written over|'.*photo\.png', the same file, is an input/,
    );
  await expect(assertNoInput([at('photo.png')], [at('link.png')])).rejects.toThrow('an input');
});

test('all others are', async () => {
  await assertNoInput(
    [at('new.png'), at('other.png'), at('missing/a.png')],
    [at('photo.png'), at('gone.png')],
  );
});
