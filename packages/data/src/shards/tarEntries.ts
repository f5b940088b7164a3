import { closeSync, readSync } from 'node:fs';
import { Header, Pax } from 'tar';
import { openArchive } from './openArchive';
import { ShardError } from './shardError';

/** One file in a tar archive. */
export interface TarEntry {
  /** With `/`. */
  readonly path: string;
  /** Where its bytes begin in the archive. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

const BLOCK = 512;
/** Largest size of names and the like, bytes. */
const MOST_METADATA = 2 ** 20;
/** Largest size of one file in an archive, bytes: it is read as a whole. */
export const MOST_ENTRY_BYTES = 2 ** 28;

const FILES: readonly string[] = ['File', 'OldFile', 'ContiguousFile'];
const FOLDERS: readonly string[] = ['Directory', 'GNUDumpDir'];

/**
 * What is in a tar archive (ustar, pax and GNU names), in its order, without reading the files themselves.
 *
 * @throws ShardError for whatever could mean harm or a damaged archive: links and devices, paths that lead out of the
 *   archive, sizes beyond its end or 256 MiB, wrong checksums of headers, no mark of the end
 */
export function tarEntries(archive: string): TarEntry[] {
  const { file, bytes } = openArchive(archive);
  try {
    return readHeaders(file, bytes, archive);
  } finally {
    closeSync(file);
  }
}

function readHeaders(file: number, bytes: number, archive: string): TarEntry[] {
  const entries: TarEntry[] = [];
  let offset = 0;
  const refuse = (what: string): never => {
    throw new ShardError(`'${archive}' is no archive to read images from: at byte ${offset} ${what}.`);
  };
  const read = (length: number, at: number): Buffer => {
    const buffer = Buffer.alloc(length);
    if (at + length > bytes || readSync(file, buffer, 0, length, at) < length) refuse('it is cut off');
    return buffer;
  };
  let pax: Pax | undefined;
  let longPath: string | undefined;
  for (;;) {
    const header = headerOf(read(BLOCK, offset), pax);
    if (header.nullBlock) return entries;
    if (!header.cksumValid) refuse('is no header of a file, or a damaged one');
    const { type, size = Number.NaN } = header;
    const begin = offset + BLOCK;
    if (!Number.isSafeInteger(size) || begin + size > bytes) {
      refuse(`a file of ${size} bytes begins, and ${bytes - begin} are left`);
    }
    const text = (): string => {
      if (size > MOST_METADATA) refuse(`a name takes ${size} bytes`);
      return read(size, begin).toString('utf8');
    };
    if (type === 'ExtendedHeader' || type === 'OldExtendedHeader') {
      pax = Pax.parse(text(), {}, false);
    } else if (type === 'NextFileHasLongPath') {
      longPath = text().replace(/\0.*/s, '');
    } else if (type !== 'GlobalExtendedHeader') {
      const path = longPath ?? header.path ?? '';
      if (!FILES.includes(type) && !FOLDERS.includes(type)) {
        refuse(`'${path}' is a ${type}; expected files and folders alone`);
      }
      if (leadsOut(path)) refuse(`'${path}' leads out of the archive`);
      if (FILES.includes(type)) {
        if (size > MOST_ENTRY_BYTES)
          refuse(`'${path}' has ${size} bytes; at most ${MOST_ENTRY_BYTES} are read`);
        entries.push({ path: path.replace(/^(\.\/)+/, ''), offset: begin, size });
      }
      pax = undefined;
      longPath = undefined;
    }
    offset = begin + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** A block that can't even be taken apart has no valid checksum. */
function headerOf(block: Buffer, pax: Pax | undefined): Header {
  try {
    return new Header(block, 0, pax);
  } catch {
    return new Header();
  }
}

const leadsOut = (path: string): boolean =>
  path === '' ||
  path.includes('\0') ||
  /^([/\\]|[a-z]:)/i.test(path) ||
  path.split(/[/\\]/).some((part) => part === '..');

/** Header and padding of a file for an archive; the same for the same file, whenever it is written. */
export function tarHeader(path: string, size: number): Buffer {
  const header = new Header({ path, size, mode: 0o644, uid: 0, gid: 0, type: 'File', mtime: new Date(0) });
  const block = Buffer.alloc(BLOCK);
  // The size has room for 8 GiB: only names can need more.
  return header.encode(block) ? Buffer.concat([new Pax({ path }).encode(), block]) : block;
}

/** Zeros after a file of `size` bytes, to the end of its last block. */
export const tarPadding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

/** Two blocks of zeros. */
export const TAR_END = Buffer.alloc(2 * BLOCK);
