import { OPTIONAL } from './optional';

/** Before all tests: tells them, and the end of the run, what is not installed here and how to get it. */
export default async function findMissing(): Promise<void> {
  const missing: Record<string, string> = {};
  for (const [name, { install, isInstalled }] of Object.entries(OPTIONAL)) {
    if (!(await isInstalled())) missing[name] = install;
  }
  // The environment is what processes of tests inherit.
  process.env.TESTS_MISS = JSON.stringify(missing);
}
