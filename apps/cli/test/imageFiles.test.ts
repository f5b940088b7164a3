import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namedImages } from '../src/imageFiles';

const onSystemsWithPipes = process.platform === 'win32' ? test.skip : test;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-files-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

onSystemsWithPipes(
  'a pipe in a folder is among those that are asked for, to be told of as unreadable',
  async () => {
    await writeFile(join(folder, 'a.png'), '');
    execFileSync('mkfifo', [join(folder, 'pipe.png')]);
    expect((await namedImages([folder])).map(({ name }) => name)).toEqual(['a.png', 'pipe.png']);
  },
);
