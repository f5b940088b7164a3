import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeFolder, messageOf } from '@beit/tensors';

/** A version of a package on npm, by content. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** The checksum of its archive, as npm's lock files have it: `sha512-...`. */
  readonly integrity: string;
}

/**
 * Brings a package through npm, so from the registry, with the rights, certificates and proxies that npm is configured
 * for, checks that the content is the known one, and unpacks it. None of its scripts run.
 *
 * @throws when npm or tar is missing or fails, and when the content is another
 */
export async function unpackNpmPackage(
  { name, version, integrity }: NpmPackage,
  folder: string,
  { signal, env = process.env }: { readonly signal?: AbortSignal; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<void> {
  const spec = `${name}@${version}`;
  const temporary = await mkdtemp(join(tmpdir(), 'beit-npm-'));
  try {
    await run('npm', ['pack', spec, '--ignore-scripts', '--silent', '--pack-destination', temporary], {
      signal,
      env,
    });
    const [file] = await readdir(temporary);
    if (file === undefined) throw new Error(`npm pack ${spec} brought no file.`);
    const archive = join(temporary, file);
    const actual = `sha512-${createHash('sha512')
      .update(await readFile(archive))
      .digest('base64')}`;
    if (actual !== integrity) {
      throw new Error(`${spec} has the integrity ${actual}, expected ${integrity}. Nothing was installed.`);
    }
    await makeFolder(folder);
    await run('tar', ['-xzf', archive, '-C', folder, '--strip-components', '1', '--no-same-owner'], {
      signal,
      env,
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function run(
  program: string,
  args: readonly string[],
  { signal, env }: { readonly signal: AbortSignal | undefined; readonly env: NodeJS.ProcessEnv },
): Promise<void> {
  try {
    await promisify(execFile)(program, [...args], { ...(signal ? { signal } : {}), env, maxBuffer: 2 ** 24 });
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new Error(`The program '${program}' is needed and was not found on the PATH.`, { cause });
    }
    throw new Error(`${program} failed: ${messageOf(cause).trim()}`, { cause });
  }
}
