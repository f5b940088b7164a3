import { mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { download, type HttpOptions } from '@beit/download';
import { cacheFolder, here, type Surroundings } from '@beit/installed';
import { makeFolder } from '@beit/tensors';
import { chooseWheel, type KnownWheels, type Wheel, type WheelTrust } from './chooseWheel';
import { KNOWN_WHEELS } from './knownWheels';
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
  /** Wheels by name, and their sha256. Default: those of the releases that this package is tested with. */
  readonly known?: KnownWheels;
}

/** How an installation of one release brings wheels. */
export interface WheelOptions extends InstallOptions, WheelTrust {}

/** A release that someone names is taken on the index's word where it is not known; what no one named is not. */
export const wheelOptions = (
  { known = KNOWN_WHEELS, ...options }: InstallOptions,
  version: string | undefined,
): WheelOptions => ({ ...options, known, others: version === undefined ? 'refuse' : 'take' });

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
  { signal, onMessage, startProgress, ...trust }: WheelOptions = {},
  surroundings: Surroundings = here(),
): Promise<T> {
  const { indexUrl, cert } = await pipConfig(surroundings);
  const http: HttpOptions = {
    tries: TRIES,
    stallSeconds: STALL_SECONDS,
    ...(cert && { certificates: [cert] }),
    ...(signal && { signal }),
  };
  const offered = await indexFiles(indexUrl, project, http);
  const wheel = chooseWheel(offered, project, version, surroundings, trust);
  const { filename, url, size, sha256 } = wheel;
  if (size !== undefined && size > largest) {
    throw new Error(`${filename} has ${size} bytes; at most ${largest} were expected.`);
  }
  const onItsWord = trust.known && trust.known[filename] === undefined;
  onMessage?.(`${filename} from ${new URL(url).host}${onItsWord ? ', on its word for the sha256' : ''}`);
  const downloads = join(cacheFolder(surroundings), 'downloads');
  await makeFolder(downloads);
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
