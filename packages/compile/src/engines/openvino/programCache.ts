import { link, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '@beit/installed';
import { makeFolder } from '@beit/tensors';
import { newestFirst } from '../newestFirst';
import { sha256 } from '../sha256';

/** Programs kept; one of ViT-B is 7 MB. */
const MOST_PROGRAMS = 32;
const COMPILING = 'compiling-';
/** Longer than any compilation: older folders are of processes that were killed. */
const LEFT_BEHIND_MS = 24 * 60 * 60 * 1000;

/** A kept program: what it is made of, the name that OpenVINO gave it, and its own sha256. */
const KEPT = /^([0-9a-f]{64})-(.+)-([0-9a-f]{64})\.blob$/;
const SUFFIX = '.blob';

/** What a compiled program is made of, in short. OpenVINO has a name for it too, which it does not tell beforehand. */
export const programKey = (
  version: string,
  xml: string,
  weights: Uint8Array,
  properties: Readonly<Record<string, string>>,
): string => sha256(version, xml, weights, JSON.stringify(properties)).toString('hex');

/**
 * Compiles where OpenVINO finds the program if it was kept, and keeps the one that it makes. OpenVINO writes into a file that
 * other processes have mapped into memory, which kills them: so every compilation has a folder of its own, with a link to the
 * kept program, and what is new there is moved to the others when it is whole. OpenVINO believes what it reads, and some
 * damaged programs keep it busy for ever: so one whose content is not what its name says is removed, and never seen by it.
 *
 * @param key of the program, by `programKey`
 * @param compileIn compiles with the given folder as `CACHE_DIR`; `undefined` where nothing can be kept
 */
export async function withProgramCache<T>(
  key: string,
  compileIn: (own: string | undefined) => T,
  folder = join(cacheFolder(), 'programs'),
): Promise<T> {
  const own = await ownFolder(key, folder).catch(() => undefined); // The disk is full or may not be written.
  if (own === undefined) return compileIn(undefined);
  try {
    const compiled = compileIn(own);
    // A full disk is no reason to fail.
    await keepNew(key, own, folder).catch(() => {});
    return compiled;
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** Moves what is new, which is what has no other name yet. */
async function keepNew(key: string, own: string, folder: string): Promise<void> {
  for (const name of (await readdir(own)).filter((file) => file.endsWith(SUFFIX))) {
    const path = join(own, name);
    if ((await stat(path)).nlink > 1) continue;
    const hash = sha256(await readFile(path)).toString('hex');
    await rename(path, join(folder, `${key}-${name.slice(0, -SUFFIX.length)}-${hash}${SUFFIX}`));
  }
}

/** A new folder with links to what is kept of a program. */
async function ownFolder(key: string, folder: string): Promise<string> {
  await makeFolder(folder);
  const kept = await keptPrograms(folder);
  const own = await mkdtemp(join(folder, COMPILING));
  const linked = new Set<string>();
  for (const name of kept) {
    const [, itsKey, itsName, hash] = KEPT.exec(name) ?? [];
    if (itsKey !== key || itsName === undefined || linked.has(itsName)) continue;
    const path = join(own, `${itsName}${SUFFIX}`);
    // One that cannot be linked or read, because another process removed it or the disk has no links, is compiled anew.
    const whole = await link(join(folder, name), path)
      .then(async () => sha256(await readFile(path)).toString('hex') === hash)
      .catch(() => undefined);
    if (whole) linked.add(itsName);
    else await rm(path, { force: true });
    if (whole === false) await rm(join(folder, name), { force: true });
  }
  return own;
}

/** The names of the newest programs; older ones are removed. */
async function keptPrograms(folder: string): Promise<readonly string[]> {
  const entries = await newestFirst(folder);
  const programs = entries.map(({ name }) => name).filter((name) => name.endsWith(SUFFIX));
  const leftBehind = entries
    .filter(({ name, changed }) => name.startsWith(COMPILING) && changed < Date.now() - LEFT_BEHIND_MS)
    .map(({ name }) => name);
  const old = [...programs.slice(MOST_PROGRAMS - 1), ...leftBehind];
  await Promise.all(old.map((name) => rm(join(folder, name), { recursive: true, force: true })));
  return programs.slice(0, MOST_PROGRAMS - 1);
}
