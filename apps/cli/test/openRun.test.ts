import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { alone, type Communicator } from '@beit/mpi';
import { type ProgressReporter, silentProgress } from '@beit/trainer';
import { openRun } from '../src/run/openRun';
import { runClock } from '../src/run/runClock';
import { FinishedRun } from '../src/run/runFolder';
import { isLocked, lockRun } from '../src/run/runLock';
import { trainCommand } from '../src/run/trainCommand';

let out: string;
let photos: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'run-'));
  photos = await mkdtemp(join(tmpdir(), 'photos-'));
  await writeFile(join(photos, 'a.png'), 'a picture');
});
afterEach(async () => {
  await rm(out, { recursive: true, force: true });
  await rm(photos, { recursive: true });
});

const messages: string[] = [];
beforeEach(() => messages.splice(0));

const open = (names = ['a.png'], resumes = existsSync(recipe())) =>
  openRun({
    out,
    resumes,
    recipe: { name: 'small' },
    how: { data: '/photos', scratch: undefined },
    images: [{ kind: 'folder', directory: photos, names }],
    stages: ['training'],
    job: alone,
    progress: { ...silentProgress, message: (text) => messages.push(text) },
  });
/** A run that has made a step, and whose process is no more. */
async function begun() {
  (await open()).onStep();
  await rm(join(out, 'lock.json'));
}
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

describe('a run continues with the images that it began with', () => {
  const refused = /not those that the run in .* began with: 1 then, \d now/;
  test('one of another size is refused, and so is another name, or one more', async () => {
    await begun();
    await writeFile(join(photos, 'a.png'), 'another picture');
    await expect(open()).rejects.toThrow(refused);
    await writeFile(join(photos, 'a.png'), 'a picture');
    await writeFile(join(photos, 'b.png'), 'a picture');
    await expect(open(['b.png'])).rejects.toThrow(refused);
    await expect(open(['a.png', 'b.png'])).rejects.toThrow(refused);
  });
  test('one that was only changed in time is told of', async () => {
    await begun();
    await writeFile(join(photos, 'a.png'), 'PICTURE a');
    await utimes(join(photos, 'a.png'), new Date(5), new Date(5));
    expect((await open()).continues).toBe(true);
    expect(messages.join()).toMatch(/changed or copied since the run began/);
  });
  test('the same ones are, and one whose record is lost, which is said', async () => {
    await begun();
    await open();
    expect(messages).toEqual([]);
    await rm(join(out, 'lock.json'));
    await writeFile(join(out, 'images.json'), '{"images":');
    await open();
    expect(messages.join()).toMatch(/images\.json cannot be read/);
  });
});

describe('the clock of a run', () => {
  test.each(['', '{"tok', 'null', '"1"', '-3', '1e999'])('that is %p counts as 0', async (text) => {
    await begun();
    await writeFile(join(out, 'seconds.json'), text);
    const run = await open();
    expect(run.seconds.training).toBe(0);
    expect(messages.length).toBe(text === '' || text === '{"tok' ? 1 : 0);
    for (const message of messages) expect(message).toMatch(/seconds\.json cannot be read.*not counted/);
  });
  test('that is a pipe is not waited for', async () => {
    await begun();
    await rm(join(out, 'seconds.json'), { force: true });
    if (spawnSync('mkfifo', [join(out, 'seconds.json')]).status !== 0) return;
    expect((await open()).seconds.training).toBe(0);
    expect(messages).toEqual([expect.stringMatching(/seconds\.json.* is no regular file/)]);
  });
  test('is written while the work goes on, and its own failure ends nothing', async () => {
    const progress = silentProgress;
    const clock = await runClock(out, ['training'], {
      keeps: true,
      continues: false,
      progress,
      keptEvery: 5,
    });
    const path = join(out, 'seconds.json');
    const work = clock.timed('training', async () => {
      const until = async (enough: (seconds: number) => boolean) => {
        while (!existsSync(path) || !enough(Number(await readFile(path, 'utf8')))) await setTimeout(2);
      };
      await until((seconds) => seconds > 0);
      await until((seconds) => seconds > 0.03);
      await rename(out, `${out}-gone`);
      throw new Error('the disk is full');
    });
    await expect(work).rejects.toThrow('the disk is full');
    expect(clock.seconds.training).toBeGreaterThan(0.03);
    await rename(`${out}-gone`, out);
  });
});

test('one training at a time in a folder', async () => {
  await open();
  await expect(open()).rejects.toThrow(`Process ${process.pid} on ${hostname()} trains in ${out}`);
});

test('a run that another process began until the folder was had is not continued unasked', async () => {
  await begun();
  await expect(open(['a.png'], false)).rejects.toThrow(/holds a run\. Add --resume/);
  expect(isLocked(out)).toBe(false);
});

test('a run that was finished or begun until the folder was had is looked at again', async () => {
  await begun();
  await writeFile(join(out, 'results.json'), '{}');
  await expect(open()).rejects.toThrow(FinishedRun);
  expect(isLocked(out)).toBe(false);
  const run = (progress: ProgressReporter, _: AbortSignal, job: Communicator) =>
    openRun({
      out,
      resumes: true,
      recipe: {},
      how: {},
      images: [],
      stages: ['training'],
      job,
      progress,
    }).then(() => {
      throw new Error('It trains.');
    });
  const said = jest.spyOn(console, 'log').mockImplementation(() => {});
  await rm(join(out, 'results.json'));
  const finishing = async (...given: Parameters<typeof run>) => {
    await writeFile(join(out, 'results.json'), '{}');
    return run(...given);
  };
  const engine = { engine: 'onnxruntime', precision: 'fp32' } as const;
  const words = { about: '', measuredOn: '', agreement: {} };
  expect(await trainCommand({ ...words, engine, out, quiet: true, run: finishing })).toBe(0);
  expect(said.mock.calls).toEqual([[expect.stringMatching(/The run in .* is finished\. The report: /)]]);
  said.mockRestore();
});

test('processes that begin runs at the same time get folders of their own, none of which is left empty', async () => {
  const node = ['--conditions=@beit/source', '--import', 'tsx', join(__dirname, 'beginsRun.ts'), out];
  const started = ['fails', 'opens', 'opens', 'opens'].map((how) =>
    promisify(execFile)('node', [...node, how]),
  );
  const folders = (await Promise.all(started)).map(({ stdout }) => stdout);
  expect(new Set(folders).size).toBe(4);
  for (const folder of folders) expect(existsSync(folder)).toBe(folder !== folders[0]);
});

describe('a lock', () => {
  const path = () => join(out, 'lock.json');
  test('that is no file is named', async () => {
    spawnSync('mkfifo', [path()]);
    expect(() => lockRun(out)).toThrow(/lock\.json' is no regular file.*remove it/);
    expect(() => isLocked(out)).toThrow(/remove it/);
  });
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
