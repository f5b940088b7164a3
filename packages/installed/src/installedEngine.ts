import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from './cacheFolder';
import { here, type Surroundings } from './surroundings';

/** What `beit-engine install` can bring; each has one folder in the cache. */
export const INSTALLABLE = [
  'openvino',
  'tensorflow',
  'tensorflow-gpu',
  'xla-cuda',
  'xla-rocm',
  'xla-tpu',
  'xla-oneapi',
  'xla-cpu',
] as const;
export type Installable = (typeof INSTALLABLE)[number];

/** Written beside the installed files, as `INSTALL_RECORD`. */
export interface InstallRecord {
  readonly name: Installable;
  readonly version: string;
  /** The file that it was unpacked from, and that file's hash. */
  readonly file: string;
  readonly sha256: string;
}

export const INSTALL_RECORD = 'install.json';

/** The folder of an installed engine, whether it is there or not. */
export const engineFolder = (name: Installable, surroundings: Surroundings = here()): string =>
  join(cacheFolder(surroundings), 'engines', name);

/** What was installed under this name, or `undefined`. */
export async function installRecord(
  name: Installable,
  surroundings: Surroundings = here(),
): Promise<InstallRecord | undefined> {
  const path = join(engineFolder(name, surroundings), INSTALL_RECORD);
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
    throw new Error(`${path} is damaged; 'npx @beit/engines remove ${name}' and install it again.`, {
      cause,
    });
  }
}
