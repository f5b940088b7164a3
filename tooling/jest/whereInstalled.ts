import type { OptionalName } from './optional';

/** What CI does without: 3 GB. */
const TOO_LARGE: readonly OptionalName[] = ['XLA for NVIDIA GPUs'];

/**
 * Tests that need what `npm install` does not bring. Where it is missing they are skipped, and named at the end.
 *
 * @throws in CI, where it must be there
 */
export function whereInstalled(name: OptionalName, tests: () => void): void {
  (isInstalled(name) ? describe : describe.skip)(`with ${name}`, tests);
}

/**
 * For tests that are of use without it, too.
 *
 * @throws in CI, where it must be there
 */
export function isInstalled(name: OptionalName): boolean {
  const { CI, TESTS_MISS } = process.env;
  const install = (JSON.parse(TESTS_MISS!) as Record<string, string>)[name];
  if (install !== undefined && CI && !TOO_LARGE.includes(name))
    throw new Error(`${name} is not installed, and CI is set, where nothing may be skipped: ${install}`);
  return install === undefined;
}
