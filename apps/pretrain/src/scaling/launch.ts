import { fileURLToPath } from 'node:url';
import { runJson } from '@beit/apps-shared/measurements';
import type { Launcher } from './launcher';

/** A file of this folder as so many processes; @returns the JSON that the first one prints */
export const launch = <T>(
  { command, args }: Launcher,
  ranks: number,
  file: string,
  argument: unknown,
): Promise<T> =>
  runJson<T>(command, [
    ...args,
    ...['-n', String(ranks), process.execPath, ...process.execArgv],
    ...[fileURLToPath(new URL(file, import.meta.url)), JSON.stringify(argument)],
  ]);
