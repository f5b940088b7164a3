import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Job, nameOf } from '../src';
import { entryOf, type Ledger, openJobs, readLedger } from '../src/ledger';

let runs: string;
beforeEach(async () => {
  runs = await mkdtemp(join(tmpdir(), 'ledger-'));
});
afterEach(() => rm(runs, { recursive: true }));

const job = (name: string, ...needs: string[]): Job => ({
  app: 'classify',
  folder: join(runs, name),
  args: ['--out', join(runs, name), '--data', '/pictures'],
  needs: needs.map((need) => join(runs, need)),
  recipe: { path: join(runs, `${name}.json`), json: { epochs: 3 } },
});

const ledgerOf = (...jobs: Job[]): Ledger<string> =>
  Object.fromEntries(
    jobs.map((job) => [
      nameOf(job),
      entryOf(job, { runs, elsewhere: { '/pictures': 'PICTURES' }, environment: 'here', result: 'good' }),
    ]),
  );

test('an entry has the command without the places of this machine, and the recipe', () => {
  expect(ledgerOf(job('a')).a).toEqual({
    command: ['classify', '--out', 'RUNS/a', '--data', 'PICTURES'],
    recipe: { epochs: 3 },
    environment: 'here',
    result: 'good',
  });
});

test('what is in the ledger is not done again, unless others need its folder and that is gone', async () => {
  const jobs = [job('a'), job('b', 'a'), job('c', 'b')];
  const open = (...done: Job[]) => openJobs(jobs, ledgerOf(...done), runs).map(nameOf);
  expect(open()).toEqual(['a', 'b', 'c']);
  expect(open(...jobs)).toEqual([]);
  expect(open(jobs[0]!, jobs[1]!)).toEqual(['a', 'b', 'c']);
  await mkdir(jobs[1]!.folder);
  await writeFile(join(jobs[1]!.folder, 'results.json'), '{}');
  expect(open(jobs[0]!, jobs[1]!)).toEqual(['c']);
});

test('what was done with another recipe is refused', () => {
  const own = job('a');
  const other = { ...own, recipe: { path: own.recipe!.path, json: { epochs: 4 } } };
  expect(() => openJobs([other], ledgerOf(own), runs)).toThrow(
    /'a' was done with other settings: {"epochs":3}; expected {"epochs":4}/,
  );
});

test('a ledger that is not there is empty, and a damaged one is named', async () => {
  const path = join(runs, 'x.json');
  expect(await readLedger(path)).toEqual({});
  await writeFile(path, JSON.stringify({ jobs: ledgerOf(job('a')) }));
  expect(await readLedger(path)).toEqual(JSON.parse(await readFile(path, 'utf8')).jobs);
  await writeFile(path, '{');
  await expect(readLedger(path)).rejects.toThrow(/x\.json has no jobs of an experiment/);
});
