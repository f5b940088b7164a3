import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import {
  engineFolder,
  INSTALL_RECORD,
  type Installable,
  type InstalledFile,
  installCommand,
  installRecord,
} from './installedEngine';
import { here, type Surroundings } from './surroundings';

/** `sizes` takes milliseconds; `contents` reads every byte: a second for OpenVINO, more for CUDA's gigabytes. */
export type DamageCheck = 'sizes' | 'contents';

/** A file as it is now. */
export async function describeFile(path: string): Promise<InstalledFile> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { bytes: (await stat(path)).size, sha256: hash.digest('hex') };
}

/**
 * In which way an installed engine is not what was installed, a sentence for each file; none where it is whole.
 */
export async function engineDamage(
  name: Installable,
  check: DamageCheck,
  surroundings: Surroundings = here(),
): Promise<string[]> {
  const folder = engineFolder(name, surroundings);
  const record = await installRecord(name, surroundings).catch(() => undefined);
  if (record === undefined) return [`${join(folder, INSTALL_RECORD)} is missing or damaged`];
  const damage: string[] = [];
  for (const [path, installed] of Object.entries(record.files)) {
    const why = await difference(join(folder, path), installed, check);
    if (why !== undefined) damage.push(`${join(folder, path)} ${why}`);
  }
  return damage;
}

async function difference(
  path: string,
  installed: InstalledFile,
  check: DamageCheck,
): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return 'is missing';
  if (found.size !== installed.bytes) return `has ${found.size} bytes instead of ${installed.bytes}`;
  if (check === 'sizes') return undefined;
  const { sha256 } = await describeFile(path);
  return sha256 === installed.sha256 ? undefined : `has the sha256 ${sha256} instead of ${installed.sha256}`;
}

/** An installed engine is not what was installed. */
export class DamagedEngineError extends Error {
  override readonly name = 'DamagedEngineError';
}

/** Files named in a message; a full disk damages many. */
const MOST_NAMED = 3;

/** @throws DamagedEngineError with the files that are damaged, and the command that installs the engine anew */
export async function assertUndamaged(
  name: Installable,
  check: DamageCheck,
  surroundings: Surroundings = here(),
): Promise<void> {
  const damage = await engineDamage(name, check, surroundings);
  if (damage.length === 0) return;
  const more = damage.length > MOST_NAMED ? `; and ${damage.length - MOST_NAMED} more files` : '';
  throw new DamagedEngineError(
    `The installed engine '${name}' is damaged, and can end the process without a word: ` +
      `${damage.slice(0, MOST_NAMED).join('; ')}${more}. '${installCommand(name)}' installs it anew.`,
  );
}
