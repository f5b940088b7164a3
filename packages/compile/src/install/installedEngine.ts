import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from './cacheFolder';
import { here, type Surroundings } from './surroundings';

/** What `beit-engine install` can bring; each has one folder in the cache. */
export const INSTALLABLE = ['openvino', 'tensorflow', 'tensorflow-gpu'] as const;
export type Installable = (typeof INSTALLABLE)[number];

/** Written beside the installed files as `install.json`. */
export interface InstallRecord {
  readonly name: Installable;
  readonly version: string;
  /** The file that it was unpacked from, and that file's hash. */
  readonly file: string;
  readonly sha256: string;
}

const RECORD = 'install.json';

/** The folder of an installed engine, whether it is there or not. */
export const engineFolder = (name: Installable, surroundings: Surroundings = here()): string =>
  join(cacheFolder(surroundings), 'engines', name);

/** What was installed under this name, or `undefined`. */
export async function installRecord(
  name: Installable,
  surroundings: Surroundings = here(),
): Promise<InstallRecord | undefined> {
  const path = join(engineFolder(name, surroundings), RECORD);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as InstallRecord;
  } catch (cause) {
    throw new Error(`${path} is damaged; 'beit-engine remove ${name}' and install it again.`, { cause });
  }
}

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
  const parent = join(cacheFolder(surroundings), 'engines');
  await mkdir(parent, { recursive: true });
  const fresh = await mkdtemp(join(parent, `.${name}-`));
  try {
    const record: InstallRecord = { name, ...(await fill(fresh)) };
    await writeFile(join(fresh, RECORD), `${JSON.stringify(record, null, 2)}\n`);
    await removeEngine(name, surroundings);
    await rename(fresh, target);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
  return target;
}

/** Removes an installed engine. @returns whether there was one */
export async function removeEngine(name: Installable, surroundings: Surroundings = here()): Promise<boolean> {
  const folder = engineFolder(name, surroundings);
  const there = await readdir(folder).then(
    () => true,
    () => false,
  );
  // Renamed first: a folder that is half removed must not look like an engine.
  if (!there) return false;
  const doomed = `${folder}.removed-${process.pid}`;
  await rename(folder, doomed);
  await rm(doomed, { recursive: true, force: true });
  return true;
}
