/** Jobs of real processes, with every MPI that is installed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended } from '../../../tooling/jest/ended';
import type { OptionalName } from '../../../tooling/jest/optional';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { libraryNames } from '../src/findLibrary';
import { alone, assertAgreement, connectMpi, gatherTexts, launchedByMpi, localSize } from '../src/index';

const LAUNCHERS = {
  'mpirun.openmpi': ['--allow-run-as-root', '--oversubscribe'],
  'mpirun.mpich': [],
} as const;
type Launcher = keyof typeof LAUNCHERS;
const LIBRARIES = { 'mpirun.openmpi': 'Open MPI', 'mpirun.mpich': 'MPICH' } as const;
const SECONDS = 1000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mpi-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function run(launcher: Launcher, size: number, task: string, env: Record<string, string> = {}) {
  const node = [
    'node',
    '--conditions=@beit/source',
    '--import',
    'tsx',
    join(__dirname, 'job.mjs'),
    task,
    folder,
  ];
  return spawnSync(launcher, [...LAUNCHERS[launcher], '-n', String(size), ...node], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 60 * SECONDS,
  });
}
/** What every rank told. */
const told = (name: string) =>
  readdirSync(folder)
    .filter((file) => file.startsWith(`${name}-`))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')));

for (const [launcher, library] of Object.entries(LIBRARIES) as [Launcher, OptionalName][]) {
  whereInstalled(library, () => jobsOf(launcher));
}

function jobsOf(launcher: Launcher): void {
  test.each([1, 2, 3, 4])('collective operations of %d processes', (size) => {
    const { status, stderr } = run(launcher, size, 'collectives');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const ranks = Array.from({ length: size }, (_, rank) => rank);
    const sum = ranks.reduce((a, b) => a + b, 0);
    const all = told('collectives');
    expect(all.length).toBe(size);
    all.forEach((own, rank) => {
      for (const type of ['Float32Array', 'Float64Array', 'Int32Array']) {
        expect(own[`${type} sum`]).toEqual([sum + size, sum === 0 ? 0 : -sum, 10 * size]);
        expect(own[`${type} max`]).toEqual([size, 0, 10]);
        expect(own[`${type} min`]).toEqual([1, size === 1 ? 0 : 1 - size, 10]);
      }
      for (const root of ranks) expect(own[`broadcast ${root}`]).toEqual([root, 100 + root]);
      expect(own).toMatchObject({
        size,
        library: expect.stringMatching(launcher === 'mpirun.mpich' ? /^MPICH \d/ : /^Open MPI v\d/),
        allGather: ranks.flatMap((r) => [r, r * r]),
        reduceScatter: [2 * rank * size + sum, (2 * rank + 1) * size + sum],
        // In the middle of an array that is there.
        intoArrays: [
          ...[2 * rank * size + sum, (2 * rank + 1) * size + sum],
          ...new Array<number>(size).fill(0),
          ...ranks.flatMap((r) => [2 * r * size + sum, (2 * r + 1) * size + sum]),
          ...new Array<number>(size).fill(0),
        ],
        texts: ranks.map((r) => 'é'.repeat(r)),
        queued: [size, 2 * size],
        long: [sum, sum],
        refused: [
          `root is ${size}; expected a rank from 0 to ${size - 1}.`,
          `The result's array has ${4 * size} numbers; expected ${2 * size}.`,
          ...(size === 1 ? [] : [`The array has ${size + 1} numbers; expected a multiple of ${size}.`]),
        ],
      });
    });
  });

  if (launcher === 'mpirun.openmpi')
    test('over TCP, as between machines, the end is as good', () => {
      const overTcp = { OMPI_MCA_pml: 'ob1', OMPI_MCA_btl: 'self,tcp' };
      const { status, stderr } = run(launcher, 2, 'collectives', overTcp);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(told('collectives').length).toBe(2);
    });

  test('processes that do not agree are told so, all of them, with who and what', () => {
    expect(ended(run(launcher, 3, 'agreement'))).toEqual({ status: 0 });
    const expected = 'The processes of this job do not agree:\n' + '  rank 1: recipe.seed is 5; rank 0 has 4';
    expect(told('agreement')).toEqual([expected, expected, expected]);
    expect(told('agreed')).toEqual(['yes', 'yes', 'yes']);
  });

  test('one that is killed ends the job within seconds, and is named', () => {
    const began = Date.now();
    const { status, stdout, stderr } = run(launcher, 2, 'killed');
    expect(Date.now() - began).toBeLessThan(30 * SECONDS);
    expect(status).not.toBe(0);
    const [, pid] = told('pid');
    expect((stdout + stderr).replace(/\s+/g, ' ')).toMatch(
      launcher === 'mpirun.mpich' ? `PID ${pid}` : /process rank 1 with PID \d+ .* signal 9/,
    );
  });

  test('abort ends all with a status', () => {
    expect(run(launcher, 2, 'aborted').status).toBe(7);
  });

  test('a library that is not there is an error that says what to do', () => {
    const missing = run(launcher, 2, 'collectives', { BEIT_MPI: '/nowhere/libmpi.so' });
    expect(missing.status).not.toBe(0);
    expect(missing.stderr).toMatch(
      /There is no MPI library \/nowhere\/libmpi\.so, where BEIT_MPI says it is/,
    );
  });

  whereInstalled(launcher === 'mpirun.mpich' ? 'Open MPI' : 'MPICH', () => {
    test("a library that is not the launcher's is an error that says so", () => {
      const BEIT_MPI = launcher === 'mpirun.mpich' ? 'libmpi.so.40' : 'libmpich.so.12';
      const other = run(launcher, 2, 'collectives', { BEIT_MPI });
      expect(other.status).not.toBe(0);
      expect(other.stderr).toMatch(/started 2 processes, but .* sees 1: it is not the launcher's library/);
    });
  });
}

test('a process that nobody launched is a job of its own', async () => {
  const mpi = await connectMpi();
  expect(mpi).toBe(alone);
  const data = Float32Array.of(1, 2);
  await mpi.allReduce(data, 'max');
  await mpi.broadcast(data);
  await mpi.barrier();
  expect([...data]).toEqual([1, 2]);
  expect([...(await mpi.allGather(data)), ...(await mpi.reduceScatter(data))]).toEqual([1, 2, 1, 2]);
  expect(await gatherTexts(mpi, 'a')).toEqual(['a']);
  await assertAgreement(mpi, { version: 1 });
  await mpi.close();
});

test('launchers are known by what they tell', () => {
  expect(launchedByMpi({})).toBe(false);
  for (const name of ['OMPI_COMM_WORLD_SIZE', 'PMIX_RANK', 'PMI_RANK'])
    expect(launchedByMpi({ [name]: '0' })).toBe(true);
});

test('processes of one machine share its processors', () => {
  expect(localSize({})).toBe(1);
  expect(localSize({ SLURM_NTASKS_PER_NODE: '8' })).toBe(1);
  expect(localSize({ OMPI_COMM_WORLD_SIZE: '8', OMPI_COMM_WORLD_LOCAL_SIZE: '4' })).toBe(4);
  expect(localSize({ PMI_RANK: '0', MPI_LOCALNRANKS: '2' })).toBe(2);
});

test('the library of the launcher comes first, a named one alone', () => {
  expect(libraryNames(undefined, { OMPI_COMM_WORLD_SIZE: '2' }, 'linux')[0]).toBe('libmpi.so.40');
  expect(libraryNames(undefined, { PMI_RANK: '0' }, 'linux')[0]).toBe('libmpi.so.12');
  expect(libraryNames('libmine.so', {}, 'linux')).toEqual(['libmine.so']);
  expect(libraryNames(undefined, { BEIT_MPI: 'libx.so' }, 'win32')).toEqual(['libx.so']);
  expect(() => libraryNames('/no/libmpi.so', {}, 'linux')).toThrow(
    /no MPI library \/no\/libmpi\.so, where the option/,
  );
  expect(() => libraryNames(undefined, {}, 'win32')).toThrow(/Linux and macOS; this is win32/);
});
