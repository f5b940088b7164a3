/** Apps as jobs of several processes, for tests. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { loadSafetensors } from '@beit/weights';

export const LAUNCHER = 'mpirun.openmpi';
export const LAUNCH = ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'];
export const NODE = ['node', '--conditions=@beit/source', '--import', 'tsx', 'src/main.ts'];

const isInstalled = spawnSync(LAUNCHER, ['--version']).status === 0;
if (!isInstalled && !process.env.CI)
  console.warn(`Tests of several processes are skipped: there is no ${LAUNCHER}.`);

/** `describe` where there is a launcher, and where there must be one. */
export const describeMpi = isInstalled || process.env.CI ? describe : describe.skip;

/** Runs an app to its end. @param app its folder */
export const launch = (app: string, size: number, args: readonly string[]) =>
  spawnSync(LAUNCHER, [...LAUNCH, '-n', String(size), ...NODE, ...args], { cwd: app, encoding: 'utf8' });

/** Of the parameters in two runs' files, relative to the largest of their tensor. */
export async function largestDifference(a: string, b: string, file: string): Promise<number> {
  const [first, second] = await Promise.all(
    [a, b].map(async (run) => (await loadSafetensors(join(run, file))).tensors),
  );
  expect(Object.keys(second!).sort()).toEqual(Object.keys(first!).sort());
  return Math.max(
    ...Object.entries(first!).map(([name, { data }]) => {
      const scale = Math.max(...Array.from(data, Math.abs), 1e-6);
      return Math.max(...Array.from(data, (x, i) => Math.abs(x - second![name]!.data[i]!) / scale));
    }),
  );
}
