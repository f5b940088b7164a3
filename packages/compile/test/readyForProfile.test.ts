import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileForward } from '../src';
import { readyForProfile } from '../src/readyForProfile';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'profile-'));
  await writeFile(join(folder, 'file'), '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the folder of a profile is made', async () => {
  await readyForProfile({ profile: join(folder, 'a/b/step') });
  expect((await stat(join(folder, 'a/b'))).isDirectory()).toBe(true);
});

test('a profile that cannot be written is an error before anything is compiled', async () => {
  const fn = jest.fn();
  const compiling = compileForward(fn, { params: {}, inputs: {} }, { profile: join(folder, 'file/step') });
  await expect(compiling).rejects.toThrow(/The folder .*file' cannot be made: it is a file/);
  expect(fn).not.toHaveBeenCalled();
});
