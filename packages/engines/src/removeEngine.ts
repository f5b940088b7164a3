import { readdir, rename, rm } from 'node:fs/promises';
import { engineFolder, here, type Installable, type Surroundings } from '@beit/installed';

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
