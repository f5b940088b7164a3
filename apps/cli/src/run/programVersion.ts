import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openvinoVersion } from '@beit/compile';
import { findPjrt } from '@beit/installed';

/** What decides, beside options and data, which numbers a program gives. */
export interface ProgramVersion {
  /** Its JavaScript: the last bits of `Math.log` are its own. */
  readonly node: string;
  /** A digest of the sources of apps and packages, and of the lock file, which has the versions of all others. */
  readonly sources: string;
  /** Installed beside the packages. */
  readonly openvino?: string;
  /** Its plugin for the best devices that are there. */
  readonly xla?: string;
}

/** The version of this program, where it runs. Versions in package.json say less: they change with releases only. */
export const programVersion = async (): Promise<ProgramVersion> => ({
  node: process.version,
  sources: await sourcesDigest(fileURLToPath(new URL('../../../../', import.meta.url))),
  openvino: await openvinoVersion(),
  xla: (await findPjrt())?.version,
});

/** @param root folder of the repository */
async function sourcesDigest(root: string): Promise<string> {
  const files = ['pnpm-lock.yaml'];
  for (const group of ['apps', 'packages'])
    for (const name of await readdir(join(root, group)))
      files.push(...(await filesIn(root, `${group}/${name}/src`)));
  const hash = createHash('sha256');
  for (const file of files.filter((name) => !name.includes('.test.')).sort())
    hash.update(`${file}\n`).update(await readFile(join(root, file)));
  return hash.digest('hex').slice(0, 16);
}

/** With `/` between folders, everywhere. */
async function filesIn(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
  const files = entries.map((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesIn(root, path) : [path];
  });
  return (await Promise.all(files)).flat();
}
