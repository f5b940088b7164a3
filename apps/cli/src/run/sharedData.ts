import { createHash } from 'node:crypto';
import type { Names } from '@beit/data';
import { assertAgreement, type Communicator } from '@beit/mpi';

/** @throws in all processes of a job unless they train on the same images */
export async function assertSameImages(job: Communicator, names: Names): Promise<void> {
  const hash = createHash('sha256');
  for (const name of names) hash.update(`${name}\n`);
  await assertAgreement(job, { images: names.length, 'their names': hash.digest('hex').slice(0, 16) });
}
