import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { checksumOf } from '@beit/download';

/** Beside a file of the cache: what it was when it was brought, and which process has checked that it is so still. */
const SUM = '.sha256';
const CHECKED = '.checked';
export const SIDE_FILES: readonly string[] = [SUM, CHECKED];

/** Says what a file is that will lie at `path`. */
export async function writeSum(file: string, path: string): Promise<void> {
  const { size } = await stat(file);
  await writeFile(`${path}${SUM}`, `${await checksumOf(file, 'sha256')} ${size}\n`);
}

/** Whether the file is what was brought, to the bit. Reads it as a whole. */
export async function isWhole(path: string): Promise<boolean> {
  const text = await readFile(`${path}${SUM}`, 'utf8').catch(() => '');
  const [sum, bytes] = text.trim().split(' ');
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile() || info.size !== Number(bytes)) return false;
  return (await checksumOf(path, 'sha256')) === sum;
}

/** What all threads of this process have in common, and no other process: their numbers are used again. */
const thisProcess = () => ({
  host: hostname(),
  pid: process.pid,
  began: Math.round(Date.now() / 1000 - process.uptime()),
});

/** Clocks are set, and rounded. */
const MOST_SECONDS_APART = 2;

/** Whether a thread of this process has found it whole. */
export async function isChecked(path: string): Promise<boolean> {
  const text = await readFile(`${path}${CHECKED}`, 'utf8').catch(() => '');
  const { host, pid, began } = thisProcess();
  const [byBegan, byPid, byHost] = text.split(' ');
  return byHost === host && byPid === `${pid}` && Math.abs(Number(byBegan) - began) <= MOST_SECONDS_APART;
}

export function markChecked(path: string): Promise<void> {
  const { host, pid, began } = thisProcess();
  return writeFile(`${path}${CHECKED}`, `${began} ${pid} ${host}`);
}

/** Removes a file of the cache with all that is known of it. */
export async function forget(path: string): Promise<void> {
  for (const end of ['', ...SIDE_FILES]) await rm(`${path}${end}`, { force: true });
}
