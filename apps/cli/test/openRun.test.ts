import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { alone } from '@beit/mpi';
import { silentProgress } from '@beit/trainer';
import { openRun } from '../src/run/openRun';
import { isLocked, lockRun } from '../src/run/runLock';

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'run-'));
});
afterEach(() => rm(out, { recursive: true, force: true }));

const open = () =>
  openRun({
    out,
    recipe: { name: 'small' },
    how: { data: '/photos', scratch: undefined },
    images: ['a.png'],
    stages: ['training'],
    job: alone,
    progress: silentProgress,
  });
const recipe = () => join(out, 'recipe.json');

test('a folder is a run from the first step on, and what took place before is none of its time', async () => {
  await writeFile(join(out, 'seconds.json'), '1000');
  const run = await open();
  expect([run.continues, run.seconds.training]).toEqual([false, 0]);
  expect(existsSync(recipe())).toBe(false);
  run.onStep();
  expect(JSON.parse(await readFile(recipe(), 'utf8'))).toEqual({ name: 'small', run: { data: '/photos' } });
  await rm(join(out, 'lock.json'));
  await writeFile(recipe(), '{"name":"small"}');
  const again = await open();
  expect([again.continues, again.seconds.training]).toEqual([true, 1000]);
  again.onStep();
  expect(await readFile(recipe(), 'utf8')).toBe('{"name":"small"}');
});

test('one training at a time in a folder', async () => {
  await open();
  await expect(open()).rejects.toThrow(`Process ${process.pid} on ${hostname()} trains in ${out}`);
});

describe('a lock', () => {
  const path = () => join(out, 'lock.json');
  const changed = async (change: object) => {
    lockRun(out)();
    const release = lockRun(out);
    const own = await readFile(path(), 'utf8');
    release();
    await writeFile(path(), JSON.stringify({ ...JSON.parse(own), ...change }));
  };
  const old = () => utimes(path(), new Date(0), new Date(0));

  test('is gone when it is released', () => {
    const release = lockRun(out);
    expect(isLocked(out)).toBe(true);
    release();
    expect(isLocked(out)).toBe(false);
    expect(existsSync(path())).toBe(false);
  });
  test.each([
    ['a process that is no more', { pid: 2 ** 22 + 1 }],
    ['a process whose number another one has now', { began: '1' }],
  ])('of %s counts no more', async (_, change) => {
    await changed(change);
    expect(isLocked(out)).toBe(false);
    lockRun(out)();
  });
  test('of another machine counts as long as it is renewed', async () => {
    await changed({ host: 'elsewhere' });
    expect(() => lockRun(out)).toThrow(/on elsewhere trains in .*remove .*lock\.json/);
    await old();
    lockRun(out)();
  });
  test('that a crash left half written is replaced', async () => {
    await writeFile(path(), '{"pid":');
    expect(() => lockRun(out)).toThrow(/trains in/);
    await old();
    lockRun(out)();
  });
});
