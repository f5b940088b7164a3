import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Makes empty files, and the folders they are in. */
export async function touchIn(root: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), '');
  }
}
