import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Surroundings } from './surroundings';

/** A machine whose programs can be asked; handed in by tests. */
export interface Machine extends Surroundings {
  /** Runs a program and gives its standard output; `undefined` when it fails or is not there. */
  run(program: string, args: readonly string[]): Promise<string | undefined>;
}

export const run: Machine['run'] = async (program, args) => {
  try {
    const { stdout } = await promisify(execFile)(program, [...args], {
      timeout: 20_000,
      maxBuffer: 16 * 2 ** 20,
      windowsHide: true,
    });
    return stdout;
  } catch {
    return undefined;
  }
};

export const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** The folders of the active virtual and conda environments. */
export const activeEnvironments = ({ env }: Pick<Surroundings, 'env'>): string[] =>
  [env.VIRTUAL_ENV, env.CONDA_PREFIX].filter((root) => root !== undefined && root !== '') as string[];

/** The folders of packages in an environment's folder. */
export async function sitePackages(
  root: string,
  { platform }: Pick<Surroundings, 'platform'>,
): Promise<string[]> {
  if (platform === 'win32') return [join(root, 'Lib', 'site-packages')];
  const versions = (await namesIn(join(root, 'lib'))).filter((name) => /^python3/.test(name));
  return versions.map((version) => join(root, 'lib', version, 'site-packages'));
}

/** Asks `python3` where it looks for packages, without running any of them, nor anything of the folder it is called in. */
export async function pythonPath({ platform, run }: Machine): Promise<string[]> {
  const question = 'import sys; print(*(p for p in sys.path if p), sep="\\n")';
  const answer = await run(platform === 'win32' ? 'python' : 'python3', ['-c', question]);
  return (answer ?? '').split(/\r?\n/).filter((line) => line !== '');
}
