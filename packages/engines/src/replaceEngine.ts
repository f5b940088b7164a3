import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import {
  describeFile,
  engineFolder,
  formatInstallRecord,
  here,
  INSTALL_RECORD,
  type Installable,
  type InstalledFile,
  type InstallRecord,
  type Surroundings,
} from '@beit/installed';
import { makeFolder } from '@beit/tensors';
import { removeEngine } from './removeEngine';

/** What an installation knows of what it brought. */
export type Brought = Pick<InstallRecord, 'version' | 'file' | 'sha256'>;

/**
 * Fills a fresh folder with `fill`, which says what it brought, records every file, and puts it in the place of the
 * engine's old one, which stays untouched until all is there.
 *
 * @returns the engine's folder
 */
export async function replaceEngine(
  name: Installable,
  fill: (folder: string) => Promise<Brought>,
  surroundings: Surroundings = here(),
): Promise<string> {
  const target = engineFolder(name, surroundings);
  const parent = dirname(target);
  await makeFolder(parent);
  const fresh = await mkdtemp(join(parent, `.${name}-`));
  try {
    const record: InstallRecord = { name, ...(await fill(fresh)), files: await filesIn(fresh) };
    await writeFile(join(fresh, INSTALL_RECORD), formatInstallRecord(record));
    await removeEngine(name, surroundings);
    await rename(fresh, target);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
  return target;
}

async function filesIn(folder: string): Promise<Record<string, InstalledFile>> {
  const files: Record<string, InstalledFile> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[relative(folder, path).replaceAll(sep, '/')] = await describeFile(path);
  }
  return files;
}
