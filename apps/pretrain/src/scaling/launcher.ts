import { spawnSync } from 'node:child_process';
import { UsageError } from '@beit/apps-shared';

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
 * @throws UsageError when it cannot be run
 */
export function findLauncher(commandLine: string): Launcher {
  const [command = '', ...args] = commandLine.trim().split(/\s+/);
  const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  if (status !== 0)
    throw new UsageError(
      `--launcher is '${commandLine}', which cannot be run here. Install MPI (Debian: openmpi-bin or mpich), ` +
        'or say what the network has, so that nothing needs to be started: --bandwidth 100Gb/s --latency 20us.',
    );
  const isOpenMpi = /Open MPI|OpenRTE/i.test(stdout);
  const asRoot = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];
  const [name = command] = stdout.trim().split('\n');
  return { command, args: [...args, ...(isOpenMpi ? [...asRoot, ...OPEN_MPI] : [])], name };
}
