import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  engineFolder,
  here,
  INSTALL_RECORD,
  type Installable,
  type InstallRecord,
  type Surroundings,
} from '@beit/installed';
import { removeEngine } from './removeEngine';

/**
 * Fills a fresh folder with `fill`, which says what it brought, and puts it in the place of the engine's old one, which
 * stays untouched until all is there.
 *
 * @returns the engine's folder
 */
export async function replaceEngine(
  name: Installable,
  fill: (folder: string) => Promise<Omit<InstallRecord, 'name'>>,
  surroundings: Surroundings = here(),
): Promise<string> {
  const target = engineFolder(name, surroundings);
  const parent = dirname(target);
  await mkdir(parent, { recursive: true });
  const fresh = await mkdtemp(join(parent, `.${name}-`));
  try {
    const record: InstallRecord = { name, ...(await fill(fresh)) };
    await writeFile(join(fresh, INSTALL_RECORD), `${JSON.stringify(record, null, 2)}\n`);
    await removeEngine(name, surroundings);
    await rename(fresh, target);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
  return target;
}
