import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { download, type HttpOptions } from '@beit/download';
import { cacheFolder, here, type Surroundings } from '@beit/installed';
import { chooseWheel, type Wheel } from './chooseWheel';
import { pipConfig } from './pipConfig';
import { indexFiles } from './simpleIndex';

/** Someone waits for it: an index that is not there is soon said so. */
const TRIES = 3;
/** Longer than elsewhere: an index may have to bring a large wheel itself before it sends any of it. */
const STALL_SECONDS = 60;

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
  const { indexUrl, cert } = await pipConfig(surroundings);
  const http: HttpOptions = {
    tries: TRIES,
    stallSeconds: STALL_SECONDS,
    ...(cert && { certificates: [cert] }),
    ...(signal && { signal }),
  };
  const wheel = chooseWheel(await indexFiles(indexUrl, project, http), project, version, surroundings);
  const { filename, url, size, sha256 } = wheel;
  if (size !== undefined && size > largest) {
    throw new Error(`${filename} has ${size} bytes; at most ${largest} were expected.`);
  }
  onMessage?.(`${filename} from ${new URL(url).host}`);
  const downloads = join(cacheFolder(surroundings), 'downloads');
  await mkdir(downloads, { recursive: true });
  const folder = await mkdtemp(join(downloads, 'wheel-'));
  try {
    const path = join(folder, basename(filename));
    await download(url, path, {
      ...http,
      bytes: size,
      checksum: { algorithm: 'sha256', value: sha256 },
      mostBytes: largest,
      onProgress: startProgress?.(),
    });
    return await use({ path, wheel });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
