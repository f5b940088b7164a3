import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, runJobs } from '../src';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-jobs-'));
});
afterEach(() => rm(folder, { recursive: true }));

const job = (name: string, ...needs: string[]): Job => ({
  app: 'pretrain',
  folder: join(folder, name),
  args: [],
  needs: needs.map((need) => join(folder, need)),
});

async function finish(job: Job): Promise<void> {
  await mkdir(job.folder, { recursive: true });
  await writeFile(join(job.folder, 'results.json'), '{}');
}

/** Runs them and says in which order they began, and how many at a time. */
async function watch(jobs: readonly Job[], parallel: number, signal = new AbortController().signal) {
  const began: string[] = [];
  let now = 0;
  let most = 0;
  await runJobs(jobs, {
    parallel,
    signal,
    async run(job) {
      began.push(basename(job.folder));
      now += 1;
      most = Math.max(most, now);
      await sleep(5);
      await finish(job);
      now -= 1;
    },
    onDone() {},
  });
  return { began, most };
}

test('a job waits for what it needs, and others do not wait for it', async () => {
  const jobs = [job('a'), job('b', 'a'), job('c', 'b'), job('d'), job('e')];
  const { began, most } = await watch(jobs, 2);
  expect(began.slice(0, 2)).toEqual(['a', 'd']);
  expect(began.indexOf('b')).toBeGreaterThan(began.indexOf('a'));
  expect(began.indexOf('c')).toBeGreaterThan(began.indexOf('b'));
  expect([...began].sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(most).toBe(2);
});

test('what was begun with another recipe is refused', async () => {
  const own = job('a');
  const withSteps = (steps: number): Job => ({
    ...own,
    recipe: { path: `${own.folder}.json`, json: { steps } },
  });
  await finish(own);
  await writeFile(`${own.folder}.json`, JSON.stringify({ steps: 10 }, null, 2));
  expect((await watch([withSteps(10)], 1)).began).toEqual([]);
  await expect(watch([withSteps(20)], 1)).rejects.toThrow(
    /begun with other settings: .*a\.json has {"steps":10}; expected {"steps":20}/,
  );
});

test('what is done is not done again', async () => {
  const jobs = [job('a'), job('b', 'a')];
  await finish(jobs[0]!);
  expect((await watch(jobs, 1)).began).toEqual(['b']);
});

test('a job that fails stops those beside it and those to come', async () => {
  let stopped = false;
  const run = runJobs([job('bad'), job('long'), job('never')], {
    parallel: 2,
    signal: new AbortController().signal,
    async run({ folder }, signal) {
      if (basename(folder) === 'bad') throw new Error('out of memory');
      expect(basename(folder)).toBe('long');
      await sleep(60_000, undefined, { signal }).catch(() => {
        stopped = true;
      });
    },
    onDone() {},
  });
  await expect(run).rejects.toThrow('out of memory');
  expect(stopped).toBe(true);
});

test('needs that no job makes are an error that names them', async () => {
  await expect(watch([job('a', 'missing')], 1)).rejects.toThrow(/a needs what no job makes: .*missing/);
});

test('an interrupt begins nothing more', async () => {
  const interrupt = new AbortController();
  interrupt.abort();
  expect((await watch([job('a')], 1, interrupt.signal)).began).toEqual([]);
});
