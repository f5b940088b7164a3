import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AppProcess } from './appProcess';
import { ended } from './ended';

/**
 * A run that was broken off in `out` is refused when it is asked for with other options, and then holds what it held; it
 * continues by its folder alone; and when it is finished it says so.
 *
 * @param other options that it was not begun with, and what is said of them
 */
export function expectContinues(
  { start }: AppProcess,
  out: string,
  other: { readonly options: readonly string[]; readonly refused: RegExp },
): void {
  const resume = ['--resume', '--out', out];
  const contents = () =>
    readdirSync(out, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name)).toString('base64')]);
  const before = contents();
  const refused = start(...resume, ...other.options);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(other.refused);
  expect(contents()).toEqual(before);

  const again = start(...resume);
  expect(again.stderr).toMatch(/continuing at step/);
  expect(ended(again)).toEqual({ status: 0 });

  const finished = start(...resume);
  expect(finished.stdout).toMatch(/^The run in .* is finished\. The report: .*report\.html\n$/);
  expect(ended(finished)).toEqual({ status: 0 });
}
