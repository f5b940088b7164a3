import { rmSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from '../src';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beit-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** @returns how many had their turn, and how many at most at the same time */
async function turns(path: string, waiters: number) {
  let [inside, most, done] = [0, 0, 0];
  const use = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 5));
    inside--;
    done++;
  };
  await Promise.all(Array.from({ length: waiters }, () => withLock(path, use)));
  return { most, done };
}

// No process has this number: Linux has 2^22 at the most.
const DEAD = `${hostname()} 99999999 0`;

test('one at a time, of many', async () => {
  const path = join(folder, 'a.lock');
  expect(await turns(path, 10)).toEqual({ most: 1, done: 10 });
  expect(await readdir(folder)).toEqual([]);
});

test('one at a time of many who find a dead process at the same moment', async () => {
  for (let round = 0; round < 4; round++) {
    const path = join(folder, `${round}.lock`);
    // As earlier versions left it, and as this one does.
    if (round % 2 === 0) await writeFile(path, DEAD);
    else {
      await mkdir(path);
      await writeFile(join(path, 'owner'), DEAD);
    }
    expect(await turns(path, 6)).toEqual({ most: 1, done: 6 });
  }
  expect(await readdir(folder)).toEqual([]);
});

test('the successor of a dead process keeps the lock, also from those who found it dead before', async () => {
  const path = join(folder, 'a.lock');
  await mkdir(path);
  await writeFile(join(path, 'dead'), DEAD);
  // Just when it turns out to be dead, another is faster.
  const kill = jest.spyOn(process, 'kill').mockImplementationOnce(() => {
    rmSync(join(path, 'dead'));
    writeFileSync(join(path, 'successor'), `${hostname()} ${process.pid} 99`);
    throw Object.assign(new Error(), { code: 'ESRCH' });
  });
  const use = jest.fn(() => Promise.resolve());
  await withLock(path, use, { wait: false });
  kill.mockRestore();
  expect(use).not.toHaveBeenCalled();
  expect(await readdir(path)).toEqual(['successor']);
});

test('a living owner is waited for, or its turn left to it', async () => {
  const path = join(folder, 'a.lock');
  await mkdir(path);
  await writeFile(join(path, 'owner'), `${hostname()} ${process.pid} 99`);
  await utimes(join(path, 'owner'), 1, 1);
  let used = 0;
  const use = async () => {
    used++;
  };
  await withLock(path, use, { wait: false });
  expect(used).toBe(0);
  const waiting = withLock(path, use);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(used).toBe(0);
  await rm(join(path, 'owner'));
  await waiting;
  expect(used).toBe(1);
});

test('a turn that fails ends too', async () => {
  const path = join(folder, 'a.lock');
  const failing = withLock(path, () => Promise.reject(new Error('no luck')));
  await expect(failing).rejects.toThrow('no luck');
  expect(await readdir(folder)).toEqual([]);
});
