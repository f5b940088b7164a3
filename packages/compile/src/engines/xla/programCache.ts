import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cacheFolder } from '@beit/installed';
import { makeFolder } from '@beit/tensors';
import { newestFirst } from '../newestFirst';
import { sha256 } from '../sha256';
import type { Client, Executable } from './pjrt/client';
import type { XlaCompileOptions } from './pjrt/compileOptions';

/** Programs kept, at most; one of ViT-B is some megabytes. */
const MOST_PROGRAMS = 32;
const SUFFIX = '.xla';
/** Bytes of the hash of a file's name and content, which is in front: the content of another file is none for this one. */
const HASH_BYTES = 32;

/** What a compiled program depends on: all of it makes the name of its file. */
const nameOf = (
  program: string,
  options: XlaCompileOptions,
  { platform, platformVersion, devices, library }: Client,
) =>
  sha256(
    program,
    JSON.stringify(options),
    platform,
    platformVersion,
    JSON.stringify(library.attributes),
    library.apiVersion,
    ...devices.map(({ kind }) => kind),
  ).toString('hex') + SUFFIX;

/**
 * Compiles a program, or takes what was kept when it was compiled before. A file is read by whoever finds it whole, and is
 * replaced in one step; one that cannot be read, is damaged, or that XLA does not take, is compiled anew.
 *
 * @param folder where programs are kept; `false`: nowhere
 */
export async function compileOrLoad(
  client: Client,
  program: string,
  options: XlaCompileOptions,
  folder: string | false = join(cacheFolder(), 'programs-xla'),
): Promise<Executable> {
  if (folder === false) return client.compile(program, options);
  const path = join(folder, nameOf(program, options, client));
  const kept = await wholeFile(path);
  if (kept) {
    const loaded = await client.load(kept).catch(() => undefined);
    if (loaded) {
      await utimes(path, new Date(), new Date()).catch(() => {});
      return loaded;
    }
  }
  const compiled = await client.compile(program, options);
  const serialized = compiled.serialize();
  // A full disk, or one that may not be written, is no reason to fail.
  if (serialized) await keep(folder, path, serialized).catch(() => {});
  return compiled;
}

const hashOf = (path: string, content: Uint8Array) => sha256(basename(path), content);

async function wholeFile(path: string): Promise<Uint8Array | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (!bytes || bytes.length <= HASH_BYTES) return undefined;
  const content = bytes.subarray(HASH_BYTES);
  return hashOf(path, content).equals(bytes.subarray(0, HASH_BYTES)) ? content : undefined;
}

async function keep(folder: string, path: string, content: Uint8Array): Promise<void> {
  await makeFolder(folder);
  const own = `${path}.${randomUUID()}`;
  try {
    await writeFile(own, Buffer.concat([hashOf(path, content), content]));
    await rename(own, path);
  } finally {
    await rm(own, { force: true });
  }
  await removeOld(folder);
}

/** All but the newest; what a process that was killed left behind is among them. */
async function removeOld(folder: string): Promise<void> {
  const old = (await newestFirst(folder)).slice(MOST_PROGRAMS);
  await Promise.all(old.map(({ name }) => rm(join(folder, name), { force: true })));
}
