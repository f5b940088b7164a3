import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UsageError } from '@beit/cli';
import { runJson } from './runJson';

/** How processes are started together. */
export interface Launcher {
  readonly command: string;
  readonly args: readonly string[];
  /** As it calls itself. */
  readonly name: string;
}

/** More processes than processors, and none bound to one, as our own measure of threads supposes. */
const OPEN_MPI = ['--oversubscribe', '--bind-to', 'none'];

/**
 * The launcher of that command line, such as `mpirun --hostfile hosts`.
 *
 * @param otherwise what one can do where there is none
 * @throws UsageError when it cannot be run
 */
export function findLauncher(commandLine: string, otherwise: string): Launcher {
  const [command = '', ...args] = commandLine.trim().split(/\s+/);
  const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  if (status !== 0)
    throw new UsageError(
      `--launcher is '${commandLine}', which cannot be run here. Install MPI (Debian: openmpi-bin or mpich), or ${otherwise}.`,
    );
  const isOpenMpi = /Open MPI|OpenRTE/i.test(stdout);
  const asRoot = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];
  const [name = command] = stdout.trim().split('\n');
  return { command, args: [...args, ...(isOpenMpi ? [...asRoot, ...OPEN_MPI] : [])], name };
}

/** A TypeScript file of ours as so many processes; @returns the JSON that the first one prints */
export const launchJson = <T>(
  { command, args }: Launcher,
  ranks: number,
  file: URL,
  argument: unknown,
): Promise<T> =>
  runJson<T>(command, [
    ...args,
    ...['-n', String(ranks), process.execPath, ...process.execArgv],
    ...[fileURLToPath(file), JSON.stringify(argument)],
  ]);
