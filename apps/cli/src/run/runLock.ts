/**
 * One process at a time writes to a run: the file `lock.json` says which. A crash leaves it behind; it counts only as
 * long as that process lives.
 */
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@beit/tensors';
import { UsageError } from '../commandLine';

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** Where numbers of processes mean the same: on a machine since it was started, in a container. */
  readonly numbering: string;
  /** When the process with this number began: numbers are used again. */
  readonly began: string;
}

/** Of a process elsewhere only the time of the file can be seen, which it renews so often... */
const RENEWED_MS = 15_000;
/** ...and which, when it is so old, says that the process is no more. */
const ABANDONED_MS = 600_000;

const lockOf = (folder: string) => join(folder, 'lock.json');

/** Whether a living process trains in this folder. */
export function isLocked(folder: string): boolean {
  const path = lockOf(folder);
  const text = readIfThere(path);
  return text !== undefined && isHeld(path, text);
}

/** Locks that this process has taken for the run that it is about to open. */
const claimed = new Map<string, () => void>();

/** What is to be done where this process ends: one listener, however many locks it takes. */
const atEnd = new Set<() => void>();
function doAtEnd(task: () => void): void {
  if (atEnd.size === 0) process.once('exit', endAll);
  atEnd.add(task);
}
function endAll(): void {
  for (const task of [...atEnd]) task();
}
function undoAtEnd(task: () => void): void {
  atEnd.delete(task);
  if (atEnd.size === 0) process.off('exit', endAll);
}

/**
 * Makes a folder for a run of this process alone, which `lockRun` then takes over; where it ends before, the folder goes
 * with it unless there is something in it.
 *
 * @returns whether it did: another process has not
 */
export function claimRun(folder: string): boolean {
  mkdirSync(folder, { recursive: true });
  try {
    claimed.set(folder, takeLock(folder));
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
  doAtEnd(unclaimAll);
  return true;
}

function unclaimAll(): void {
  for (const folder of [...claimed.keys()]) unclaimRun(folder);
}

/** Gives a folder back that was claimed and is not wanted. */
export function unclaimRun(folder: string): void {
  const release = claimed.get(folder);
  claimed.delete(folder);
  release?.();
  if (release && readdirSync(folder).length === 0) rmdirSync(folder);
}

/**
 * Keeps other processes from the run in a folder, until this one releases it or ends.
 *
 * @param folder that is there
 * @returns what releases it
 * @throws UsageError where another one has it
 */
export function lockRun(folder: string): () => void {
  const own = claimed.get(folder);
  claimed.delete(folder);
  return own ?? takeLock(folder);
}

function takeLock(folder: string): () => void {
  const path = lockOf(folder);
  const { pid } = process;
  const own: Holder = { pid, host: hostname(), numbering: numbering(), began: beganOf(pid) };
  const text = `${JSON.stringify(own, null, 2)}\n`;
  while (!made(path, text)) {
    const other = readIfThere(path);
    if (other === undefined) continue;
    if (isHeld(path, other)) {
      const { pid, host } = parsed(other) ?? { pid: '?', host: 'this machine or another' };
      throw new UsageError(
        `Process ${pid} on ${host} trains in ${folder}. Wait for its end, or give another --out. ` +
          `(Where it is no more: remove ${path}.)`,
      );
    }
    takeAway(path, other);
  }
  const renewal = setInterval(() => renew(path), RENEWED_MS).unref();
  const release = () => {
    clearInterval(renewal);
    undoAtEnd(release);
    rmSync(path, { force: true });
  };
  doAtEnd(release);
  return release;
}

/** Whether the file was made: it was not there. */
function made(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new Error(`Cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function readIfThere(path: string): string | undefined {
  try {
    // A pipe would be waited for.
    if (statSync(path).isFile()) return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  throw new Error(`'${path}' is no regular file, and so no lock of a run; remove it.`);
}

/** undefined: a crash, or another process at this moment, has not written all of it. */
function parsed(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return undefined;
  }
}

function isHeld(path: string, text: string): boolean {
  const holder = parsed(text);
  if (holder?.host === hostname() && holder.numbering === numbering())
    return holder.began !== '' && holder.began === beganOf(holder.pid);
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs < (holder ? ABANDONED_MS : RENEWED_MS);
}

/** Removes an abandoned lock, unless another process has made one of its own of it in the meantime. */
function takeAway(path: string, abandoned: string): void {
  const away = `${path}.${process.pid}.tmp`;
  try {
    renameSync(path, away);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (readFileSync(away, 'utf8') !== abandoned) linkSync(away, path);
  rmSync(away);
}

/** A folder that was moved away takes its lock along. */
function renew(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function numbering(): string {
  if (process.platform !== 'linux') return process.platform;
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
}

/** When a process began; empty where there is none of this number. */
function beganOf(pid: number): string {
  try {
    if (process.platform === 'linux') {
      // proc_pid_stat(5): the 3rd field is the state, the 22nd the time; the name before may hold blanks and parentheses.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? '' : fields[19]!;
    }
    if (process.platform !== 'win32')
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    process.kill(pid, 0);
    return 'running';
  } catch {
    return '';
  }
}
