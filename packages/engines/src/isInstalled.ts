import {
  engineDamage,
  type Installable,
  type InstallRecord,
  installRecord,
  type Surroundings,
} from '@beit/installed';
import { messageOf } from '@beit/tensors';
import type { InstallOptions } from './withWheel';

/** Whether an engine that fits is there, whole to the byte; says why it is installed anew where it is not. */
export async function isInstalled(
  name: Installable,
  fits: (record: InstallRecord) => boolean,
  { onMessage }: InstallOptions,
  surroundings: Surroundings,
): Promise<boolean> {
  let record: InstallRecord | undefined;
  try {
    record = await installRecord(name, surroundings);
  } catch (error) {
    onMessage?.(messageOf(error));
  }
  if (record === undefined || !fits(record)) return false;
  if (record.files === undefined) {
    onMessage?.('What is there was installed before its files were recorded; it is installed anew');
    return false;
  }
  const damage = await engineDamage(name, 'contents', surroundings);
  for (const why of damage) onMessage?.(`${why}; it is installed anew`);
  if (damage.length === 0) onMessage?.('Already there, and whole');
  return damage.length === 0;
}
