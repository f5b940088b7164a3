import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../install/cacheFolder';

/** Programs kept; one of ViT-B is 7 MB. */
const MOST_PROGRAMS = 32;

/** The folder where OpenVINO keeps compiled programs for the next run, with no more than the newest of them. */
export async function programCache(folder = join(cacheFolder(), 'programs')): Promise<string> {
  await mkdir(folder, { recursive: true });
  const files = await Promise.all(
    (await readdir(folder))
      .filter((name) => name.endsWith('.blob'))
      .map(async (name) => {
        const path = join(folder, name);
        // Another process may be removing it just now.
        return { path, used: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 };
      }),
  );
  const oldest = files.sort((a, b) => b.used - a.used).slice(MOST_PROGRAMS - 1);
  await Promise.all(oldest.map(({ path }) => rm(path, { force: true })));
  return folder;
}
