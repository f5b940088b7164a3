import { type Checksum, fetchBytes } from '@beit/download';
import type { HubEnvironment } from './hubEnvironment';
import type { HubName } from './hubName';

/** A file of a repository. */
export interface HubFile {
  /** Below the repository, `/` between folders; none leads out of it. */
  readonly path: string;
  readonly bytes: number;
  /** What the cache calls its content: sha256 of large files, Git's name of others. */
  readonly checksum: Checksum;
}

export interface HubListing {
  /** What the revision is now. */
  readonly commit: string;
  readonly files: readonly HubFile[];
}

/** A listing of 100,000 files has some 20 MB. */
const MOST_BYTES = 2 ** 26;
/** Before it is asked of the cache instead. */
const TRIES = 3;

export const COMMIT = /^[0-9a-f]{40}$/;

/** What a token is sent in. */
export const authorization = ({ token }: HubEnvironment): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

/** The repository's address behind `prefix`: `api/models/owner/name`. */
export const addressOf = ({ endpoint }: HubEnvironment, prefix: string, { id }: HubName): string =>
  `${endpoint}/${prefix}${id}`;

/**
 * The files of a repository, with sizes and checksums, and the commit that its revision is now: one request
 * (`GET /api/models/{id}/revision/{revision}?blobs=true`).
 *
 * @throws what `fetchBytes` throws; Error when the answer is none of the Hub's, or names a path that leads out
 */
export async function listRepository(name: HubName, environment: HubEnvironment): Promise<HubListing> {
  const repository = addressOf(environment, `api/${name.kind}s/`, name);
  const address = `${repository}/revision/${encodeURIComponent(name.revision)}?blobs=true`;
  const { bytes } = await fetchBytes(address, {
    mostBytes: MOST_BYTES,
    accept: 'application/json',
    headers: authorization(environment),
    tries: TRIES,
  });
  const unexpected = (what: string) => new Error(`${address} is no listing of the Hub: ${what}.`);
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new Error(`${address} is no listing of the Hub: it is not JSON.`, { cause });
  }
  const { sha, siblings } = (answer ?? {}) as { sha?: unknown; siblings?: unknown };
  if (typeof sha !== 'string' || !COMMIT.test(sha)) throw unexpected('it names no commit');
  if (!Array.isArray(siblings)) throw unexpected('it lists no files');
  return { commit: sha, files: siblings.map((sibling) => fileOf(sibling ?? {}, unexpected)) };
}

interface Sibling {
  readonly rfilename?: unknown;
  readonly size?: unknown;
  readonly blobId?: unknown;
  readonly lfs?: { readonly sha256?: unknown } | null;
}

function fileOf({ rfilename, size, blobId, lfs }: Sibling, unexpected: (what: string) => Error): HubFile {
  if (typeof rfilename !== 'string' || !isInside(rfilename))
    throw unexpected(`${JSON.stringify(rfilename)} is no path below a repository`);
  const sha256 = lfs?.sha256;
  const checksum =
    typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)
      ? ({ algorithm: 'sha256', value: sha256 } as const)
      : typeof blobId === 'string' && COMMIT.test(blobId) && !lfs
        ? ({ algorithm: 'git', value: blobId } as const)
        : undefined;
  if (!checksum || !Number.isSafeInteger(size) || (size as number) < 0)
    throw unexpected(`it has no size or checksum of ${JSON.stringify(rfilename)}`);
  return { path: rfilename, bytes: size as number, checksum };
}

/** Whether a path stays below the folder that it is joined to, on Windows too. */
const isInside = (path: string): boolean =>
  !/[\\:\0]/.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
