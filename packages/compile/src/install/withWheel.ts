import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cacheFolder } from './cacheFolder';
import { chooseWheel, type Wheel } from './chooseWheel';
import { download } from './download';
import { pipConfig } from './pipConfig';
import { registryClient } from './registryClient';
import { indexFiles } from './simpleIndex';
import { here, type Surroundings } from './surroundings';

/** How an installation tells what it does, and how it is stopped. */
export interface InstallOptions {
  readonly signal?: AbortSignal;
  /** A line for the user. */
  readonly onMessage?: (text: string) => void;
  /** Called when a download begins; what it gives is told the bytes brought so far, and in all where that is known. */
  readonly startProgress?: () => (done: number, total: number | undefined) => void;
}

/** A wheel on disk, its hash checked. */
export interface FetchedWheel {
  readonly path: string;
  readonly wheel: Wheel;
}

/**
 * Brings the wheel of a project for this machine from the package index that pip is configured for, and hands it to
 * `use`; the file is gone afterwards.
 *
 * @param version a release, the beginning of one, or a range
 * @param largest bytes that a wheel may have
 */
export async function withWheel<T>(
  project: string,
  version: string,
  largest: number,
  use: (fetched: FetchedWheel) => Promise<T>,
  { signal, onMessage, startProgress }: InstallOptions = {},
  surroundings: Surroundings = here(),
): Promise<T> {
  const config = await pipConfig(surroundings);
  const client = await registryClient(config, surroundings);
  const files = await indexFiles(client, config.indexUrl, project, signal);
  const wheel = chooseWheel(files, project, version, surroundings);
  onMessage?.(`${wheel.filename} from ${new URL(wheel.url).host}`);
  const path = join(cacheFolder(surroundings), 'downloads', basename(wheel.filename));
  try {
    await download(client, path, { ...wheel, largest, signal, onProgress: startProgress?.() });
    return await use({ path, wheel });
  } finally {
    await rm(path, { force: true });
  }
}
