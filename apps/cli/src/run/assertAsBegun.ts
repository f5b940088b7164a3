import { UsageError } from '../commandLine';
import type { OptionTexts } from '../options/optionTable';

/**
 * A run's `recipe.json` has the digest of what a file held when the run was begun, under a name beside the options: the
 * run goes on with the same, or not at all.
 *
 * @param how what the run's folder says of it
 * @param what was read, for people
 * @throws UsageError where it holds something else now
 */
export function assertAsBegun(
  how: OptionTexts,
  name: string,
  digest: string | undefined,
  what: string,
): void {
  const begun = how[name];
  if (begun === undefined || begun === digest) return;
  throw new UsageError(
    `${what} changed since the run was begun. Put back what it held, or begin a run with another --out.`,
  );
}
