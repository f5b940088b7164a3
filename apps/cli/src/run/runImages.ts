/** Which images a run is of: all processes of a job train on the same, and so does a run that continues. */
import { join } from 'node:path';
import type { SourceIdentity } from '@beit/data';
import { assertAgreement, type Communicator } from '@beit/mpi';
import type { ProgressReporter } from '@beit/trainer';
import { z } from 'zod';
import { UsageError } from '../commandLine';
import { readText } from '../readText';

const identity = z.object({
  images: z.number(),
  content: z.string(),
  times: z.string(),
}) satisfies z.ZodType<SourceIdentity>;

/** Where a run's folder says it. */
export const imagesIn = (out: string) => join(out, 'images.json');

/** @throws in all processes of a job unless they train on the same images */
export const assertSameImages = (job: Communicator, { images, content }: SourceIdentity): Promise<void> =>
  assertAgreement(job, { images, 'their names and sizes': content });

/**
 * That a run continues with the images that it began with. Files with other times may be copies of the same: that is said.
 *
 * @throws UsageError when there are more or fewer, or names or sizes differ
 */
export async function assertImagesOfRun(
  out: string,
  own: SourceIdentity,
  progress: Pick<ProgressReporter, 'message'>,
): Promise<void> {
  const begun = await readIdentity(imagesIn(out));
  if (begun === undefined) {
    progress.message(`${imagesIn(out)} cannot be read: whether the images are those of before is not known.`);
    return;
  }
  if (begun.images !== own.images || begun.content !== own.content)
    throw new UsageError(
      `The images are not those that the run in ${out} began with: ${begun.images} then, ${own.images} now, ` +
        'or others of their names and sizes. Bring them back, or begin a run with another --out.',
    );
  if (begun.times !== own.times)
    progress.message(
      'Images were changed or copied since the run began: their names and sizes are the same, their times are not. If what they show is another, so are the numbers.',
    );
}

async function readIdentity(path: string): Promise<SourceIdentity | undefined> {
  try {
    return identity.parse(JSON.parse(await readText(path)));
  } catch {
    return undefined;
  }
}
