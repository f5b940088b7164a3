import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
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

/** A file as it was installed. */
export interface InstalledFile {
  readonly bytes: number;
  readonly sha256: string;
}

/** Written beside the installed files, as `INSTALL_RECORD`. */
export interface InstallRecord {
  readonly name: Installable;
  readonly version: string;
  /** The file that it was unpacked from, and that file's hash. */
  readonly file: string;
  readonly sha256: string;
  /** All files, by their paths in the engine's folder, with `/`. */
  readonly files: Readonly<Record<string, InstalledFile>>;
}

export const INSTALL_RECORD = 'install.json';

/** What `INSTALL_RECORD` holds: the record, and a hash of it, for it is what files are checked by. */
export const formatInstallRecord = (record: InstallRecord): string =>
  `${JSON.stringify({ ...record, digest: digestOf(record) }, null, 2)}\n`;

const digestOf = (record: object): string =>
  createHash('sha256').update(JSON.stringify(record)).digest('hex');

/** The folder of an installed engine, whether it is there or not. */
export const engineFolder = (name: Installable, surroundings: Surroundings = here()): string =>
  join(cacheFolder(surroundings), 'engines', name);

/**
 * Whether an engine's folder is there, so that the engine is meant to be: an installation puts it there whole, in one step,
 * and what it lacks was lost since.
 */
export const isThere = (name: Installable, surroundings: Surroundings = here()): Promise<boolean> =>
  stat(engineFolder(name, surroundings)).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** The command that brings an engine, in place of one that is there and damaged. */
export function installCommand(name: Installable): string {
  const [engine, variant] = name.split('-');
  return `npx @beit/engines install ${engine}${variant === undefined ? '' : ` --${variant}`}`;
}

/**
 * What was installed under this name, or `undefined`.
 *
 * @throws where there is a record that can't be read, or is none
 */
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
  const { digest, ...record } = parsed(text);
  if (isRecord(record) && record.name === name && digest === digestOf(record)) return record;
  throw new Error(`${path} is damaged; '${installCommand(name)}' installs it anew.`);
}

/** Its fields; none where it is no object of JSON. */
function parsed(text: string): Partial<Record<string, unknown>> {
  try {
    return { ...(JSON.parse(text) as object) };
  } catch {
    return {};
  }
}

function isRecord(value: object): value is InstallRecord {
  const { name, version, file, sha256, files } = value as Partial<Record<keyof InstallRecord, unknown>>;
  const isText = [name, version, file, sha256].every((text) => typeof text === 'string');
  return isText && typeof files === 'object' && files !== null && Object.values(files).every(isFile);
}

const isFile = (value: unknown): value is InstalledFile => {
  const { bytes, sha256 } = (value ?? {}) as Partial<Record<keyof InstalledFile, unknown>>;
  return typeof bytes === 'number' && typeof sha256 === 'string';
};
