/** Apps as jobs of several processes, for tests. */
import { spawnSync } from 'node:child_process';

export const LAUNCHER = 'mpirun.openmpi';
export const LAUNCH = ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'];
export const NODE = ['node', '--conditions=@beit/source', '--import', 'tsx', 'src/main.ts'];

/** Runs an app to its end. @param app its folder */
export const launch = (app: string, size: number, args: readonly string[]) =>
  spawnSync(LAUNCHER, [...LAUNCH, '-n', String(size), ...NODE, ...args], { cwd: app, encoding: 'utf8' });
