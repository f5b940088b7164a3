import { join } from 'node:path';
import type { Unreadable } from '@beit/data';
import { type Communicator, gatherTexts } from '@beit/mpi';

/** What any process of a job could not read, everywhere, each file once; every process calls it. */
export async function unreadableOfAll(job: Communicator, own: readonly Unreadable[]): Promise<Unreadable[]> {
  const all = (await gatherTexts(job, JSON.stringify(own))).flatMap(
    (text) => JSON.parse(text) as Unreadable[],
  );
  return [...new Map(all.map((file) => [file.name, file])).values()];
}

/** Where a run's folder lists them. */
export const unreadableIn = (out: string): string => join(out, 'unreadable.json');

/** For people. @param files one or more */
export function describeUnreadable(files: readonly Unreadable[], out: string): string {
  const [{ name, reason }] = files as readonly [Unreadable];
  return (
    `${files.length === 1 ? '1 file' : `${files.length} files`} could not be read, such as ${name} (${reason}): others ` +
    `were trained on instead, and none was measured on. All of them: ${unreadableIn(out)}`
  );
}
