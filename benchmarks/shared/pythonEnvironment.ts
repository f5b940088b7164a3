import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '@beit/installed';

/** PyTorch, and what most peers want. */
const REQUIREMENTS = fileURLToPath(new URL('./requirements.txt', import.meta.url));

/** Where benchmarks keep what can be made again. */
const ownFolder = (): string => join(cacheFolder(), 'benchmarks');

/**
 * The interpreter of a virtual environment with the peers' packages, in the user's cache; made on the first call. With
 * PyTorch that downloads about 3 GB (on Linux, that of PyPI comes with its CUDA libraries and does not start without
 * them). Other pins or another Python make another environment.
 *
 * @param python the interpreter to make it with
 * @param options `requirements`: the file of the packages and their pins; default: that with PyTorch. `newest`: another
 *   environment, with the newest releases of these packages, looked for at every call
 * @returns the path, or why there is none
 */
export async function pythonEnvironment(
  python: string,
  {
    requirements: file = REQUIREMENTS,
    newest = false,
  }: { readonly requirements?: string; readonly newest?: boolean } = {},
): Promise<{ readonly python: string } | { readonly absent: string }> {
  const version = spawnSync(python, ['-VV'], { encoding: 'utf8' });
  if (version.error || version.status !== 0) {
    return { absent: `there is no Python '${python}'; name one with --python` };
  }
  const pinned = await readFile(file, 'utf8');
  const requirements = newest ? pinned.replace(/==.*/g, '') : pinned;
  const packages = requirements.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const key = createHash('sha256').update(requirements).update(version.stdout).digest('hex').slice(0, 16);
  const folder = join(ownFolder(), `python-${key}`);
  const inFolder = (root: string) =>
    process.platform === 'win32' ? join(root, 'Scripts', 'python.exe') : join(root, 'bin', 'python');
  const run = (command: string, args: readonly string[]) =>
    spawnSync(command, args, { stdio: ['ignore', 2, 2] }).status === 0;
  const install = (root: string) =>
    run(inFolder(root), ['-m', 'pip', 'install', '--quiet', '--upgrade', ...packages]);
  const failed = { absent: `the packages of ${file} could not be installed (see above)` };
  if (existsSync(folder)) return newest && !install(folder) ? failed : { python: inFolder(folder) };

  // Made beside its place and renamed, so that an interrupted download leaves nothing that looks complete. The
  // interpreter finds its packages from where it is itself.
  const unfinished = `${folder}.${process.pid}`;
  console.error(`Making ${folder} with the packages of ${file}; this happens once.`);
  await mkdir(ownFolder(), { recursive: true });
  try {
    if (!run(python, ['-m', 'venv', unfinished]) || !install(unfinished)) return failed;
    await rename(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return { python: inFolder(folder) };
}
