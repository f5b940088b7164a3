import type { Unreadable } from '@beit/data';
import { type Communicator, gatherTexts } from '@beit/mpi';

/** What any process of a job could not read, everywhere, each file once; every process calls it. */
export async function unreadableOfAll(job: Communicator, own: readonly Unreadable[]): Promise<Unreadable[]> {
  const all = (await gatherTexts(job, JSON.stringify(own))).flatMap(
    (text) => JSON.parse(text) as Unreadable[],
  );
  return [...new Map(all.map((file) => [file.name, file])).values()];
}
