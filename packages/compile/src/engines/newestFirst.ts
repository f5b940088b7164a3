import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A file or folder, and when it was last changed, in milliseconds; 0 for what another process has just removed. */
export interface AgedFile {
  readonly name: string;
  readonly changed: number;
}

/** What is in a folder, the newest first. */
export async function newestFirst(folder: string): Promise<AgedFile[]> {
  const entries = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const changed = (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0;
      return { name, changed };
    }),
  );
  return entries.sort((a, b) => b.changed - a.changed);
}
