import { createHash } from 'node:crypto';
import { assertAgreement, type Communicator } from '@beit/mpi';

/** @throws in all processes of a job unless they train on the same images */
export const assertSameImages = (job: Communicator, names: readonly string[]): Promise<void> =>
  assertAgreement(job, {
    images: names.length,
    'their names': createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 16),
  });
